"""Documents for people: structured reports, encapsulated documents; as HTML, plain text and PDF."""
