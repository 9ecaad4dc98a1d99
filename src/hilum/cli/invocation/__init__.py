"""What a command is called with: options, settings, targets, the archive that they name, and how it fails."""
