//! Texts, URLs, kernel parameters and templates of scripts.

use std::fs;

use netboot_ipxe::{Error, MenuText, Renderer, RendererBuilder, ScriptUrl, TemplateName};

use super::follow;
use crate::closures::{MIRROR, old, url};
use crate::images::{closure_image, image};

fn render(parameters: &[&str]) -> Result<String, Error> {
    let image = image("worker", "W", parameters, &["initrd"]);
    Renderer::builder().build().unwrap().render_image(&image)
}

#[test]
fn menu_texts_as_the_hint_describes_them_are_taken() {
    for (refused, part, taken) in [
        ("K\u{fc}che", "use printable ASCII", "Kueche"),
        ("Worker  3", "with single spaces between words", "Worker 3"),
        (" Worker", "with single spaces between words", "Worker"),
        ("Worker #7", "without a word that starts with `#`", "Worker no.#7"),
        ("this && that", "or is `&&`, `||` or `;`", "this & that"),
        ("this || that", "or is `&&`, `||` or `;`", "this | that"),
        ("this ; that", "or is `&&`, `||` or `;`", "this; that"),
        ("costs ${price}", "without `${`", "costs $price {net}"),
        ("- Worker", "without `-` at the start", "Worker -"),
        ("C:\\", "without `\\` at the end", "C:\\x"),
    ] {
        follow(MenuText::new(refused), part, MenuText::new(taken));
    }
}

#[test]
fn kernel_parameters_as_the_hint_describes_them_are_taken() {
    for (refused, part, taken) in [
        ("a=${ip}", "without `${`", "a=$ip{}"),
        ("a=\"b #c\"", "without a word that starts with `#`", "a=\"b c#\""),
        ("a=\"b && c\"", "or is `&&`, `||` or `;`", "a=\"b&&c\""),
        ("a=\"b  c\"", "without two spaces in a row", "a=\"b c\""),
        ("a=b\\", "without `\\` at the end", "a=\\b"),
    ] {
        let script = follow(render(&[refused]), part, render(&[taken]));
        assert!(script.contains(&format!(" {taken} ||")), "{script}");
    }
}

#[test]
fn urls_as_the_hint_describes_them_are_taken() {
    let absolute = |text: &str| ScriptUrl::absolute(&url(text));
    for (refused, part, taken) in [
        ("http://boot/a%2Fb", "a file's name", "http://boot/a_b-1.img"),
        ("http://boot/k\u{fc}che", "a file's name", "http://boot/kueche"),
        ("http://boot/x?a=b%2Bc", "the query", "http://boot/x?a=b.c"),
        ("http://me:a%2Fb@boot/x", "a password", "http://me:a-b_c.d9@boot/x"),
    ] {
        let script_url = follow(absolute(refused), part, absolute(taken));
        assert_eq!(script_url.as_str(), taken);
    }
}

#[test]
fn a_shorter_command_line_is_taken() {
    let many: Vec<String> = (0..260).map(|number| format!("p{number}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    follow(render(&many), "remove kernel parameters", render(&many[..200]));
    let long = |site: Option<String>| {
        let image = image("worker", "W", &[&format!("a={}", "x".repeat(1000))], &["initrd"]);
        let builder = Renderer::builder();
        let builder = site.into_iter().fold(builder, RendererBuilder::kernel_parameter);
        builder.build().unwrap().render_image(&image)
    };
    let refused = long(Some(format!("b={}", "x".repeat(1000))));
    follow(refused, "remove kernel parameters", long(None));
}

#[test]
fn the_renderer_writes_the_parameter_that_the_hint_removes() {
    let render = |parameters: &[&str]| {
        old().build().unwrap().render_image(&closure_image("worker", parameters))
    };
    let own = format!("netboot.index={}", "0".repeat(64));
    let script = follow(render(&[&own]), "remove the parameter from", render(&[]));
    assert!(script.contains(" netboot.index=") && !script.contains(&own), "{script}");
    // The hint of the cause is that of the error.
    let wrong = render(&["netboot.store=disc"]);
    follow(wrong, "give auto, tmpfs, zram or disk", render(&["netboot.store=disk"]));
    let wrong = Renderer::builder().closure_source(&url("https://boot.example.org/?a=1"));
    let right = Renderer::builder().closure_source(&url(MIRROR)).and_then(RendererBuilder::build);
    follow(wrong, "an `http://` URL without a password", right);
}

/// Renders an image with `text` instead of the built-in template.
fn templated(text: &str) -> Result<String, Error> {
    let renderer = Renderer::builder().template(TemplateName::Image, text).build()?;
    renderer.render_standalone(&image("worker", "W", &[], &["initrd"]))
}

#[test]
fn templates_as_the_hints_describe_them_are_taken() {
    let good =
        || templated("#!ipxe\n{{ mark }}\nkernel {{ kernel.url }} || goto failed\n:failed\n");
    let head = |rest: &str| templated(&format!("#!ipxe\n{{{{ mark }}}}\n{rest}\n"));
    follow(head("{% if %}"), "correct the template in the place that the cause names", good());
    follow(head("{% include \"nothing\" %}"), "in the place that the cause names", good());
    follow(head("kernel {{ kernle.url }}"), "the template may use: profile, kernel, ", good());
    follow(head("kernel {{ kernel.path }}"), "it may use: profile, kernel, ", good());
    let variables = ["profile", "mark", "check_digests"];
    let all: Vec<String> = variables.iter().map(|name| format!("# {{{{ {name} }}}}")).collect();
    follow(head("{{ site }}"), &variables[..1].join(", "), head(&all.join("\n")));
    let site = MenuText::new("Rack 3").unwrap();
    let adding = Renderer::builder().variable("site", site);
    let text = "#!ipxe\n{{ mark }}\necho {{ site }}\n";
    let adding = adding.template(TemplateName::Image, text).build();
    follow(templated(text), "`RendererBuilder::variable` adds others", adding);

    follow(
        templated("#!ipxe\necho\n"),
        "print the variable `mark`",
        templated("#!ipxe\n{{ mark }}\necho\n"),
    );
    for open in ["#!ipxe\n{{ mark }}\necho", "#!ipxe\n{{ mark }}\necho \\\n"] {
        let hint = "end the template with a line feed that does not follow a `\\`";
        follow(templated(open), hint, templated("#!ipxe\n{{ mark }}\necho\n"));
    }
    let jumping = head("goto nowhere || echo");
    follow(jumping, "in the script, ", head("goto nowhere || echo\n:nowhere"));
}

#[test]
fn a_directory_of_templates_is_read_when_it_is_as_the_hints_say() {
    let place = tempfile::tempdir().unwrap();
    let directory = place.path().join("templates");
    let build = || Renderer::builder().template_directory(&directory).build();
    let missing = build();
    fs::create_dir(&directory).unwrap();
    let file = directory.join("pointer.ipxe");
    fs::create_dir(&file).unwrap();
    let no_file = build();
    fs::remove_dir(&file).unwrap();
    fs::write(&file, b"#!ipxe\n# K\xfcche\n{{ mark }}\n").unwrap();
    let latin = build();
    fs::write(&file, "#!ipxe\n# K\u{fc}che\n{{ mark }}\n").unwrap();
    for refused in [missing, no_file] {
        follow(refused, "give a directory of templates: files named `<name>.ipxe`", build());
    }
    follow(latin, "save the template as UTF-8", build());
}
