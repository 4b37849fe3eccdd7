//! Data plane: authenticate, limit, decide, route, audit, observe.
