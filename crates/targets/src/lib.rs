//! Where models run: the host agent and its processes.
