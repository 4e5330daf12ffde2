"""Where a correction applies: which message asks what a corrected one asked, and which only sounds like it."""
