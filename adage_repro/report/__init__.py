"""What `adage_repro.claims` is made of: the rows, what they measure, and many setups simulated at once."""
