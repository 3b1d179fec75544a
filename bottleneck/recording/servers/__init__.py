"""What servers say of themselves on their pages of metrics: reading a page, and which of its metrics mean what."""
