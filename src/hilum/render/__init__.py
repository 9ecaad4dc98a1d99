"""From stored pixels and documents to what people see (PS3.18 8.7.4). Pure: no storage, no HTTP."""
