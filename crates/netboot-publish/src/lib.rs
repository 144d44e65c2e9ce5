//! Publishes netboot releases so that a machine boots a whole one or the one before.
