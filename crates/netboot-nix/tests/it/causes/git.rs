//! Repositories that git or ssh does not give.

use std::fs;
use std::path::Path;

use netboot_nix::{Error, GitProblem};
use netboot_testbed::SshServer;

use crate::causes::scene::{assert_evaluated, error_of, follow, git, repository};
use crate::place::{NixVersion, Place, WITH_INIT, least_configuration};

/// The outputs of a flake whose configuration `netboot-x` can be evaluated.
fn outputs() -> String {
    let configuration = least_configuration("x", WITH_INIT, "{ }");
    format!("{{ nixosConfigurations.netboot-x.config = {configuration}; }}")
}

/// The problem of an error of git.
fn problem(error: &Error) -> GitProblem {
    let Error::Git { refusal } = error else { panic!("{error:?}") };
    refusal.problem.clone()
}

pub(crate) async fn a_program_of_git_is_missing(nix: NixVersion) {
    let place = Place::of(nix);
    let directory = repository(&place, &outputs());
    let tools = place.path().join("tools");
    fs::create_dir(&tools).unwrap();
    let install = |name: &str| {
        std::os::unix::fs::symlink(netboot_testbed::tool(name), tools.join(name)).unwrap();
    };
    let nix_directory = place.nix_program("nix").parent().unwrap().to_owned();
    let builder = |reference: &str| {
        let builder = place.builder(reference).program_directory(&nix_directory);
        builder.environment("PATH", tools.display().to_string())
    };
    let missing = |name: &str| GitProblem::ProgramMissing { program: name.to_owned() };
    install("sh");
    // The git library of later versions reads a local repository itself.
    let local = format!("git+file://{}", directory.display());
    let reference = if nix == NixVersion::V2_8 { &local } else { "git+https://127.0.0.1:9/x" };
    let error = error_of(builder(reference)).await;
    assert_eq!(problem(&error), missing("git"), "{error:?}");
    assert!(error.hint().unwrap().contains("`apt-get install git`"), "{:?}", error.hint());
    install("git");
    assert_evaluated(builder(&local)).await;
    let ssh = error_of(builder("git+ssh://127.0.0.1:9/x")).await;
    assert_eq!(problem(&ssh), missing("ssh"), "{ssh:?}");
    assert!(ssh.hint().unwrap().contains("openssh-client"), "{:?}", ssh.hint());
    install("ssh");
    let followed = error_of(builder("git+ssh://127.0.0.1:9/x")).await;
    assert!(matches!(followed, Error::Network { .. }), "{followed:?}");
}

pub(crate) async fn git_does_not_track_a_file(nix: NixVersion) {
    for (code, rule) in [
        ("import ./new/keys.nix", ""),
        ("builtins.readFile ./new/keys.nix", ""),
        ("import ./new/keys.nix", "*.nix"),
    ] {
        let place = Place::of(nix);
        let outputs = outputs();
        let directory = repository(&place, &format!("builtins.seq ({code}) ({outputs})"));
        fs::write(directory.join(".gitignore"), rule).unwrap();
        git(&directory, &["add", ".gitignore"]);
        fs::create_dir(directory.join("new")).unwrap();
        fs::write(directory.join("new/keys.nix"), "{ }").unwrap();
        let builder = || place.builder(directory.to_str().unwrap());
        let error = error_of(builder()).await;
        let GitProblem::NotTracked { path, ignored } = problem(&error) else { panic!("{error:?}") };
        assert_eq!(ignored, !rule.is_empty());
        // Nix 2.8 names the directory, which git does not track either.
        assert!(path == Path::new("new/keys.nix") || path == Path::new("new"), "{error:?}");
        follow(&place, &error, &[]);
        assert_evaluated(builder()).await;
    }
    // Now the flake itself is untracked.
    let place = Place::of(nix);
    let directory = repository(&place, &outputs());
    git(&directory, &["rm", "-q", "--cached", "flake.nix"]);
    let error = error_of(place.builder(directory.to_str().unwrap())).await;
    let GitProblem::NotTracked { path, .. } = problem(&error) else { panic!("{error:?}") };
    assert_eq!(path, Path::new("flake.nix"));
    follow(&place, &error, &[]);
    assert_evaluated(place.builder(directory.to_str().unwrap())).await;
    // A missing file is not reported as untracked.
    let place = Place::of(nix);
    let directory = repository(&place, "{ nixosConfigurations = import ./gone.nix; }");
    let error = error_of(place.builder(directory.to_str().unwrap())).await;
    assert!(matches!(error, Error::Evaluation { .. }), "{error:?}");
}

pub(crate) async fn a_branch_does_not_exist(nix: NixVersion) {
    let place = Place::of(nix);
    let directory = repository(&place, &outputs());
    let address = format!("git+file://{}", directory.display());
    let missing = "0123456789012345678901234567890123456789";
    for query in ["ref=gone".to_owned(), format!("rev={missing}")] {
        let error = error_of(place.builder(&format!("{address}?{query}"))).await;
        assert_eq!(problem(&error), GitProblem::MissingRevision, "{error}");
        let branches = follow(&place, &error, &[]);
        assert!(branches.contains("refs/heads/main"), "{branches}");
    }
    assert_evaluated(place.builder(&format!("{address}?ref=main"))).await;
}

pub(crate) async fn a_file_is_in_a_submodule(nix: NixVersion) {
    let place = Place::of(nix);
    let directory = repository(&place, "import ./part/outputs.nix");
    let part = place.path().join("part");
    fs::create_dir(&part).unwrap();
    fs::write(part.join("outputs.nix"), outputs()).unwrap();
    git(&part, &["init", "-q", "-b", "main"]);
    git(&part, &["add", "."]);
    git(&part, &["commit", "-q", "-m", "x"]);
    let part = part.to_str().unwrap();
    git(&directory, &["-c", "protocol.file.allow=always", "submodule", "--quiet", "add", part]);
    git(&directory, &["commit", "-q", "-m", "y"]);
    let error = error_of(place.builder(directory.to_str().unwrap())).await;
    assert_eq!(problem(&error), GitProblem::Submodule, "{error}");
    assert!(error.hint().unwrap().contains("submodules=1"), "{:?}", error.hint());

    let reference = format!("git+file://{}?submodules=1&ref=main", directory.display());
    if nix == NixVersion::V2_8 {
        // Later versions fetch submodules themselves.
        let error = error_of(place.builder(&reference)).await;
        assert_eq!(problem(&error), GitProblem::FileProtocol, "{error}");
        follow(&place, &error, &[]);
    }
    assert_evaluated(place.builder(&reference)).await;
}

pub(crate) async fn a_bare_repository_is_not_told(nix: NixVersion) {
    let place = Place::of(nix);
    let directory = repository(&place, &outputs());
    let home = place.environment().remove("HOME").unwrap();
    fs::create_dir_all(&home).unwrap();
    let settings = "[safe]\n bareRepository = explicit\n";
    fs::write(Path::new(&home).join(".gitconfig"), settings).unwrap();
    let builder = || place.builder(&format!("git+file://{}?ref=main", directory.display()));
    if nix == NixVersion::V2_8 {
        // Later versions look into repositories with a library, which has no such setting.
        let bare = place.path().join("bare.git");
        git(&directory, &["clone", "-q", "--bare", ".", bare.to_str().unwrap()]);
        let builder = || place.builder(&format!("git+file://{}?ref=main", bare.display()));
        let error = error_of(builder()).await;
        assert_eq!(problem(&error), GitProblem::BareRepository, "{error}");
        follow(&place, &error, &[]);
        assert_evaluated(builder()).await;
    }
    assert_evaluated(builder()).await;
}

pub(crate) async fn a_file_is_a_pointer(nix: NixVersion) {
    let place = Place::of(nix);
    let directory = repository(&place, "import ./large.nix");
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12345\n";
    fs::write(directory.join("large.nix"), pointer).unwrap();
    git(&directory, &["add", "large.nix"]);
    git(&directory, &["commit", "-q", "-m", "y"]);
    for reference in
        [directory.display().to_string(), format!("git+file://{}?ref=main", directory.display())]
    {
        let error = error_of(place.builder(&reference)).await;
        assert_eq!(problem(&error), GitProblem::LfsPointer, "{error}");
        assert!(error.hint().unwrap().contains("git lfs pull"), "{:?}", error.hint());
    }
    fs::write(directory.join("large.nix"), "version").unwrap();
    let error = error_of(place.builder(directory.to_str().unwrap())).await;
    assert!(matches!(error, Error::Evaluation { .. }), "{error:?}");
}

pub(crate) async fn an_ssh_server_is_not_trusted(nix: NixVersion) {
    let place = Place::of(nix);
    let directory = repository(&place, &outputs());
    let server = SshServer::start(&place.path().join("sshd"));
    let key = server.authorize("deployer", "");
    let known = place.path().join("known_hosts");
    let (user, port) = (server.user(), server.port());
    let reference = format!("git+ssh://{user}@127.0.0.1:{port}{}?ref=main", directory.display());
    let ssh = |key: &Path| {
        format!(
            "ssh -F none -o IdentitiesOnly=yes -o UserKnownHostsFile={} -i {}",
            known.display(),
            key.display()
        )
    };
    let error = error_of(place.builder(&reference).environment("GIT_SSH_COMMAND", ssh(&key))).await;
    assert_eq!(problem(&error), GitProblem::HostKey, "{error}");
    fs::write(&known, format!("[127.0.0.1]:{port} {}", server.host_key())).unwrap();

    let other = ssh(&place.path().join("no-key"));
    let error = error_of(place.builder(&reference).environment("GIT_SSH_COMMAND", other)).await;
    assert_eq!(problem(&error), GitProblem::Credentials, "{error}");
    assert_evaluated(place.builder(&reference).environment("GIT_SSH_COMMAND", ssh(&key))).await;
}

pub(crate) async fn there_is_no_repository(nix: NixVersion) {
    let place = Place::of(nix);
    let empty = place.path().join("empty");
    fs::create_dir(&empty).unwrap();
    let error = error_of(place.builder(&format!("git+file://{}?ref=main", empty.display()))).await;
    assert!(!matches!(error, Error::Network { .. }), "{error:?}");
    // A file is no git configuration.
    let directory = repository(&place, &outputs());
    let home = place.environment().remove("HOME").unwrap();
    fs::create_dir_all(&home).unwrap();
    fs::write(Path::new(&home).join(".gitconfig"), "[user\n").unwrap();
    let error =
        error_of(place.builder(&format!("git+file://{}?ref=main", directory.display()))).await;
    assert_eq!(problem(&error), GitProblem::Configuration, "{error}");
    fs::write(Path::new(&home).join(".gitconfig"), "").unwrap();
    assert_evaluated(place.builder(directory.to_str().unwrap())).await;
}
