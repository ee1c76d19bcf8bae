//! To come.
/// To come.
pub fn serve(_settings: crate::config::Settings) -> std::process::ExitCode {
    std::process::ExitCode::SUCCESS
}
