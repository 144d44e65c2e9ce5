//! The program `netboot-stage1`.

fn main() -> std::process::ExitCode {
    std::process::ExitCode::FAILURE
}
