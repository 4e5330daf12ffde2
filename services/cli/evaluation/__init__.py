"""How replies to a file of questions are judged: right, wrong, or declined."""
