"""The core: what happens, in which order, and who hears it; pure, so that it runs on plain values."""
