"""The viewer on board: its page and configuration, and the handlers of its resources."""
