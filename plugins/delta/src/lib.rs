//! Delta Lake tables.
