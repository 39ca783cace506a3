"""The generated documents: each is made from the code that it describes, never by hand."""
