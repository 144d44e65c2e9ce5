//! Tests of the whole: from a flake to a machine that boots.
