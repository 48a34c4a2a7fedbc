"""The confined process: everything here runs on the far side of the border."""
