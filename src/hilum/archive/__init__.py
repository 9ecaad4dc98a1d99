"""What services share: taking instances in, reading them, removing them, checking them."""
