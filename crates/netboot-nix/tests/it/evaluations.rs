//! The number of evaluations and of parallel builds, for each version of Nix.

use std::num::NonZeroUsize;

use netboot_core::{Builder, Context};
use netboot_nix::NixBuilderOptions;

use crate::place::{NixVersion, Place, WITH_INIT, least_configuration, profiles, read};

/// A flake with configurations that print a text when they are evaluated, and a Nix that records
/// it.
struct Counted {
    place: Place,
    flake: String,
}

impl Counted {
    /// A flake with the configurations `a`, `b` and `c`. The kernel of `b` is this Nix code.
    fn new(nix: NixVersion, kernel_of_b: &str) -> Self {
        let place = Place::of(nix);
        let one = |name: &str, kernel: &str| {
            let code = least_configuration(name, WITH_INIT, "{ }");
            format!(
                r#"netboot-{name}.config = builtins.trace "evaluating {name}" (builtins.seq common (let it = {code}; in it // {{ system = it.system // {{ build = it.system.build // {{ {kernel} }}; }}; }}));"#
            )
        };
        let flake = place.flake(&format!(
            r#"let common = builtins.trace "evaluating what they have in common" 1; in {{ nixosConfigurations = {{ {} {} {} }}; }}"#,
            one("a", ""),
            one("b", kernel_of_b),
            one("c", ""),
        ));
        let said = place.path().join("said");
        place.nix_script(
            "nix",
            &format!(
                "echo \"called $1\" >> {said}\n\
                 {{ {{ $real \"$@\"; echo $? > {said}.$$; }} 2>&1 >&3 | tee -a {said} >&2; }} 3>&1\n\
                 exit $(cat {said}.$$)",
                said = said.display()
            ),
        );
        Self { place, flake }
    }

    fn builder(&self) -> NixBuilderOptions {
        self.place.builder_with_programs(&self.flake)
    }

    /// Evaluates all three configurations and returns the errors.
    async fn evaluate(&self, builder: NixBuilderOptions) -> Vec<Option<String>> {
        let builder = builder.build().unwrap();
        let results = builder.check(&profiles(&["a", "b", "c"]), &Context::new()).await;
        results.into_iter().map(|result| result.err().map(|error| format!("{error:?}"))).collect()
    }

    /// The number of times that Nix printed this text.
    fn count(&self, text: &str) -> usize {
        read(self.place.path().join("said")).matches(text).count()
    }

    fn counts(&self) -> [usize; 5] {
        let of_configurations = ["a", "b", "c"].map(|name| format!("trace: evaluating {name}\""));
        let [a, b, c] = of_configurations.map(|text| self.count(&text));
        [self.count("called eval"), self.count("trace: evaluating what"), a, b, c]
    }
}

async fn one_process_evaluates_each_configuration_once(nix: NixVersion) {
    let counted = Counted::new(nix, "");
    assert_eq!(counted.evaluate(counted.builder()).await, [None, None, None]);
    assert_eq!(counted.counts(), [1, 1, 1, 1, 1]);
}

async fn several_processes_share_the_configurations_out(nix: NixVersion) {
    let counted = Counted::new(nix, "");
    let builder = counted.builder().evaluation_processes(NonZeroUsize::new(3).unwrap());
    assert_eq!(counted.evaluate(builder).await, [None, None, None]);
    assert_eq!(counted.counts(), [3, 3, 1, 1, 1]);
    let counted = Counted::new(nix, "");
    let builder = counted.builder().evaluation_processes(NonZeroUsize::new(2).unwrap());
    assert_eq!(counted.evaluate(builder).await, [None, None, None]);
    assert_eq!(counted.counts(), [2, 2, 1, 1, 1]);
}

async fn one_that_throws_is_evaluated_again_alone(nix: NixVersion) {
    let counted = Counted::new(nix, r#"kernel = throw "no key";"#);
    let errors = counted.evaluate(counted.builder()).await;
    assert!(errors[0].is_none() && errors[2].is_none(), "{errors:?}");
    assert!(errors[1].as_ref().unwrap().contains("no key"), "{errors:?}");
    assert_eq!(counted.counts(), [2, 2, 1, 2, 1]);
}

async fn a_single_one_that_throws_is_evaluated_once(nix: NixVersion) {
    let counted = Counted::new(nix, r#"kernel = throw "no key";"#);
    let builder = counted.builder().build().unwrap();
    let result = &builder.check(&profiles(&["b"]), &Context::new()).await[0];
    assert!(format!("{result:?}").contains("no key"), "{result:?}");
    assert_eq!(counted.counts(), [1, 1, 0, 1, 0]);
}

async fn one_that_nix_cannot_catch_has_all_of_its_process_evaluated_singly(nix: NixVersion) {
    for kernel in ["kernel = (1).x;", "kernel = ({ }).x;", "kernel = 1 + { };"] {
        let counted = Counted::new(nix, kernel);
        let errors = counted.evaluate(counted.builder()).await;
        assert!(errors[0].is_none() && errors[2].is_none(), "{errors:?}");
        assert!(errors[1].as_ref().unwrap().contains("netboot-b"), "{errors:?}");
        // The first evaluation stops at it.
        assert_eq!(counted.count("called eval"), 4);
    }
    // In its own process it does not affect the others.
    let counted = Counted::new(nix, "kernel = (1).x;");
    let builder = counted.builder().evaluation_processes(NonZeroUsize::new(3).unwrap());
    let errors = counted.evaluate(builder).await;
    assert!(errors[0].is_none() && errors[1].is_some() && errors[2].is_none(), "{errors:?}");
    assert_eq!(counted.count("called eval"), 3);
}

async fn a_build_after_a_check_does_not_evaluate_again(nix: NixVersion) {
    let counted = Counted::new(nix, "");
    let (builder, context) = (counted.builder().build().unwrap(), Context::new());
    let all = profiles(&["a", "b", "c"]);
    let check = async || {
        let results = builder.check(&all, &context).await;
        assert!(results.iter().all(Result::is_ok), "{results:?}");
    };
    let build = async || {
        let results = builder.build_all(&all, &context).await;
        assert!(results.iter().all(Result::is_ok), "{results:?}");
    };
    check().await;
    build().await;
    assert_eq!(counted.counts(), [1, 1, 1, 1, 1]);
    // The check counts for one build, and for its own profiles.
    build().await;
    assert_eq!(counted.counts()[0], 2);
    check().await;
    builder.build(&*profiles(&["a"])[0], &context).await.unwrap();
    assert_eq!(counted.counts()[0], 4);
    // The flake of a local directory changes after the check.
    check().await;
    let file = counted.place.path().join("own/flake.nix");
    let changed = read(&file).replace("have in common", "have in common now");
    std::fs::write(&file, changed).unwrap();
    build().await;
    assert_eq!(counted.count("called eval"), 6);
    assert_eq!(counted.count("have in common now\""), 1);
    // Another builder knows nothing of the check.
    check().await;
    let other = counted.builder().build().unwrap();
    let results = other.build_all(&all, &context).await;
    assert!(results.iter().all(Result::is_ok), "{results:?}");
    assert_eq!(counted.count("called eval"), 8);
}

async fn profiles_are_built_at_the_same_time(nix: NixVersion) {
    let place = Place::of(nix);
    // Each build waits until the other has started.
    let meets = |own: &str, other: &str| {
        let mark = |name: &str| place.path().join(name).display().to_string();
        let waits = format!(
            "busybox touch {}; i=0; while [ ! -e {} ]; do busybox sleep 0.1; i=$((i+1)); \
             [ $i -lt 6000 ]; done; {WITH_INIT}",
            mark(own),
            mark(other)
        );
        least_configuration(own, &waits, "{ }")
    };
    let flake = place.flake(&format!(
        "{{ nixosConfigurations = {{ netboot-a.config = {}; netboot-b.config = {}; }}; }}",
        meets("a", "b"),
        meets("b", "a")
    ));
    let builder = place.builder(&flake).build().unwrap();
    for image in builder.build_all(&profiles(&["a", "b"]), &Context::new()).await {
        image.unwrap();
    }
}

async fn what_profiles_have_in_common_is_built_once_and_in_the_log_of_each(nix: NixVersion) {
    let place = Place::of(nix);
    let kernel = "{ system = it.system // { build = it.system.build // { inherit kernel; }; }; }";
    let of = |name: &str| least_configuration(name, WITH_INIT, kernel);
    let shared = least_configuration("shared", WITH_INIT, "{ }")
        .replace("echo building linux-shared", "echo building linux-shared; busybox sleep 1");
    let flake = place.flake(&format!(
        "let kernel = {shared}.system.build.kernel; in {{ nixosConfigurations = {{ netboot-a.config = {}; netboot-b.config = {}; netboot-c.config = {}; }}; }}",
        of("a"),
        of("b"),
        of("c"),
    ));
    let builder = place.builder(&flake).concurrent_profiles(NonZeroUsize::new(3).unwrap());
    let builder = builder.build().unwrap();
    let images = builder.build_all(&profiles(&["a", "b", "c"]), &Context::new()).await;
    for image in images {
        let image = image.unwrap();
        let log = read(image.build_log().unwrap().local_path().unwrap());
        assert_eq!(log.matches("building linux-shared\n").count(), 1, "{log}");
    }
}

mod with_nix_versions {
    crate::place::with_nix_versions! {
        one_process_evaluates_each_configuration_once in [super]
        several_processes_share_the_configurations_out in [super]
        one_that_throws_is_evaluated_again_alone in [super]
        a_single_one_that_throws_is_evaluated_once in [super]
        one_that_nix_cannot_catch_has_all_of_its_process_evaluated_singly in [super]
        a_build_after_a_check_does_not_evaluate_again in [super]
        profiles_are_built_at_the_same_time in [super]
        what_profiles_have_in_common_is_built_once_and_in_the_log_of_each in [super]
    }
}
