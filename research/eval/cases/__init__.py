"""Small inputs that once went wrong, each kind run over the real stack: what is right of each kind."""
