"""The ssh door: people and programs that come with an ssh client."""
