//! Provokes each cause in the table of causes (`src/causes.md`) in each version of Nix.

mod building;
mod evaluation;
mod flake_files;
mod git;
mod machine;
mod nixpkgs;
pub(crate) mod scene;
mod source;
mod warnings;

use crate::place::NixVersion;

/// A row of the table: the cause, the variant of the error, and the versions of Nix that were
/// tested.
struct Row {
    cause: &'static str,
    name: &'static str,
    versions: Vec<NixVersion>,
}

/// A test for each row, which a run tries with a [sample](NixVersion::sample) of the versions:
/// `name_of_test in module: "cause" => "variant"`.
macro_rules! rows {
    ($($test:ident in $module:ident: $cause:literal => $name:literal;)+) => {
        fn rows() -> Vec<Row> {
            vec![$(Row { cause: $cause, name: $name, versions: NixVersion::ALL.to_vec() }),+]
        }

        mod each_row {
            crate::place::with_nix_versions!($($test in [super::$module])+);
        }
    };
}

rows! {
    nix_is_not_installed in machine: "Nix is not installed" => "NixMissing";
    a_feature_is_off in evaluation: "an experimental feature is off" => "FeatureDisabled";
    no_flake_is_there in source: "no flake is there" => "FlakeNotFound";
    a_download_fails in source: "a download fails" => "Network";
    a_git_server_does_not_answer in source: "a git server does not answer" => "Network";
    an_attribute_is_missing in evaluation: "an attribute is missing" => "AttributeMissing";
    a_configuration_throws in evaluation: "a configuration throws" => "Evaluation, Thrown";
    an_evaluation_is_aborted in evaluation: "an evaluation is aborted" => "Evaluation, Aborted";
    a_variable_is_undefined in evaluation: "a variable is undefined" => "Evaluation, UndefinedVariable";
    a_name_in_the_code_is_missing in evaluation: "an attribute in the code is missing" => "Evaluation, MissingAttribute";
    a_value_needs_itself in evaluation: "a value needs itself" => "Evaluation, InfiniteRecursion";
    calls_have_no_end in evaluation: "a recursion is endless" => "Evaluation, StackOverflow";
    a_value_outgrows_memory in evaluation: "a value needs too much memory" => "EvaluationTooLarge";
    the_code_is_no_code in evaluation: "the code is invalid" => "Evaluation, Syntax";
    a_value_has_the_wrong_type in evaluation: "a value has the wrong type" => "Evaluation, WrongType";
    a_file_is_missing in evaluation: "a file is missing" => "Evaluation, MissingFile";
    a_file_is_outside_of_the_flake in evaluation: "a file is outside of the flake" => "Evaluation, Impure";
    an_import_is_not_allowed in evaluation: "an import of a derivation is not allowed" => "Evaluation, ImportFromDerivation";
    an_import_fails in evaluation: "an import of a derivation fails" => "Evaluation, ImportFailed";
    what_the_code_fetches_has_another_hash in evaluation: "what the code fetches has another hash" => "Evaluation, HashMismatch";
    an_override_does_not_fit in evaluation: "an override does not fit the configuration" => "Evaluation, Override";
    this_nix_is_too_old in nixpkgs: "nixpkgs needs a newer Nix" => "Evaluation, NixTooOld";
    a_package_is_refused in nixpkgs: "nixpkgs refuses a package" => "Evaluation, PackageRefused";
    the_system_is_another in building: "no machine has the system" => "UnsupportedSystem";
    a_system_feature_is_missing in building: "a system feature is missing" => "UnsupportedSystem";
    nothing_may_be_built_here in building: "this machine may not build" => "NoBuilder";
    there_are_no_users_to_build_as in building: "the build users do not exist" => "NoBuilder";
    no_other_machine_can_be_reached in building: "no remote builder can be reached" => "NoBuilder";
    a_builder_fails in building: "a builder fails" => "BuildFailed";
    a_builder_is_killed in building: "a builder is killed" => "BuildFailed";
    a_builder_makes_nothing in building: "a builder makes no output" => "BuildFailed";
    a_builder_cannot_download in building: "a builder cannot download" => "BuildFailed";
    a_dependency_fails in building: "a dependency fails" => "BuildFailed";
    a_hash_is_another in building: "a hash does not match" => "HashMismatch";
    a_build_takes_too_long in building: "a build takes too long" => "TimedOut";
    a_build_is_silent_for_too_long in building: "a build is silent for too long" => "TimedOut";
    a_program_of_nix_may_not_be_executed in machine: "a program of Nix may not be executed" => "Spawn";
    builders_may_not_execute_their_files in machine: "builders may not execute their files" => "BuildFailed";
    the_disk_is_full in machine: "the disk is full" => "DiskFull";
    a_derivation_was_collected in building: "the garbage collector deleted a derivation" => "DerivationCollected";
    git_does_not_track_a_file in git: "git does not track a file" => "Git, NotTracked";
    a_branch_does_not_exist in git: "a branch or commit does not exist" => "Git, MissingRevision";
    a_file_is_in_a_submodule in git: "a file is in a submodule" => "Git, Submodule";
    a_bare_repository_is_not_told in git: "git may not use a bare repository" => "Git, BareRepository";
    a_file_is_a_pointer in git: "a file is a pointer of git-lfs" => "Git, LfsPointer";
    an_ssh_server_is_not_trusted in git: "an ssh server or key is not trusted" => "Git, HostKey, Credentials";
    a_program_of_git_is_missing in git: "git or ssh is not installed" => "Git, ProgramMissing";
    there_is_no_repository in git: "git's configuration is invalid" => "Git, Configuration";
    changes_are_not_committed in source: "changes must be committed" => "Git, Uncommitted";
    a_repository_is_somebody_else_s in source: "another user owns the repository" => "Git, OtherOwner";
    a_flake_changes_meanwhile in source: "the flake changes during the evaluation" => "SourceChanged";
    a_file_may_not_be_read in machine: "a file is not readable" => "PermissionDenied";
    the_daemon_is_down in machine: "the daemon is down" => "DaemonUnreachable";
    the_daemon_does_not_trust_the_user in warnings: "the daemon does not trust the user" => "a warning";
    a_substitute_is_not_signed in warnings: "a substitute has no signature" => "a warning";
    a_path_is_not_signed in machine: "a store path has no signature" => "Unsigned";
    a_cache_is_down in warnings: "a cache is down" => "a warning";
    a_setting_is_unknown in warnings: "a setting of Nix is unknown" => "a warning";
    a_flake_has_settings in warnings: "a flake has a nixConfig" => "a warning";
    the_lock_file_is_out_of_date in source: "the lock file is out of date" => "LockFileOutdated";
    a_lock_file_has_a_conflict in flake_files: "the lock file has a merge conflict" => "FlakeUnusable, LockConflict";
    a_lock_file_is_cut in flake_files: "the lock file is not whole" => "FlakeUnusable, LockUnreadable";
    a_lock_file_has_another_version in flake_files: "the lock file has another version" => "FlakeUnusable, LockVersion";
    a_flake_is_for_a_newer_nix in flake_files: "the flake needs a newer Nix" => "FlakeUnusable, Unsupported";
    a_lock_file_names_what_nix_does_not_know in flake_files: "the lock file names something unknown" => "FlakeUnusable, Unsupported";
    an_input_has_an_unknown_type in flake_files: "an input has an unknown type" => "FlakeUnusable, InputType";
    an_input_is_not_the_locked_one in flake_files: "an input is not the locked one" => "FlakeUnusable, InputChanged";
    nix_is_interrupted in machine: "Nix is interrupted" => "Interrupted";
    nix_is_killed in machine: "Nix is killed" => "Interrupted";
    nix_crashes in machine: "Nix crashes" => "Interrupted";
}

#[test]
fn the_table_in_the_documentation_has_these_rows() {
    let table = include_str!("../../src/causes.md");
    let cells = |line: &str| {
        line.trim_matches('|').split('|').map(|cell| cell.trim().replace('`', "")).collect()
    };
    let lines: Vec<Vec<String>> =
        table.lines().filter(|line| line.starts_with('|')).map(cells).collect();
    let mut expected = vec![vec!["cause".to_owned(), "error".to_owned()]];
    expected[0].extend(NixVersion::ALL.map(|version| version.as_str().to_owned()));
    for row in rows() {
        let mut cells = vec![row.cause.to_owned(), row.name.to_owned()];
        let seen = |version: &NixVersion| row.versions.contains(version);
        cells.extend(NixVersion::ALL.map(|it| if seen(&it) { "yes" } else { "" }.to_owned()));
        expected.push(cells);
    }
    let (head, rows) = (&lines[..1], &lines[2..]);
    assert_eq!([head, rows].concat(), expected);
}
