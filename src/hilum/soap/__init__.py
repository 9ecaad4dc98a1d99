"""WADO-WS: the SOAP binding of the Retrieve transactions, as IHE RAD-69 and its two siblings use it."""
