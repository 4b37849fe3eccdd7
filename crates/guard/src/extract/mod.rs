//! Text that documents hide.
