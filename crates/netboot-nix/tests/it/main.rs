//! The tests of netboot-nix.
#![expect(clippy::panic, clippy::unwrap_used, reason = "a test whose set-up fails has failed")]

mod at_once;
mod building;
mod building_clock;
mod causes;
mod checkouts;
mod closure;
mod closure_boot;
mod configurations;
mod contract;
mod diagnosis;
mod disk;
mod evaluations;
mod failing;
mod flakes;
mod injection;
mod limits;
mod materials;
mod names;
mod overrides;
mod place;
mod policy;
mod provenance;
mod references;
mod scale_out;
mod secrets;
mod size;
mod size_findings;
mod stopping;
mod uki_stub;
mod unchanged;
