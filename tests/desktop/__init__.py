"""Real windows on a screen of their own: a virtual one, with a window manager, mouse and keys."""
