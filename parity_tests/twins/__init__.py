"""Our twins, inputs to try them on, third-party references, and the defects that must be found."""
