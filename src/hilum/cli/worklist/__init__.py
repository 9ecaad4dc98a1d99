"""`hilum worklist`: the Worklist Service of any origin server from the command line."""
