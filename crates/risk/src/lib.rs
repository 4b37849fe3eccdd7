//! Loss simulation, exceedance curves and residual risk from measured evidence.
