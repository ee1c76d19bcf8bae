//! `trailkeep users export`.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Output;

use super::export::read;
use crate::home::Home;
use crate::sample;
use crate::service::Service;

on_both_stores!(what_is_known_of_a_user_is_written_to_a_file_for_nobody_else_to_read,);

fn export(home: &Home, arguments: &[&str]) -> Output {
    home.shell("users").arg("export").args(arguments).output().expect("the binary")
}

fn complaint(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.is_empty());
    String::from_utf8_lossy(&output.stderr).into_owned()
}

async fn what_is_known_of_a_user_is_written_to_a_file_for_nobody_else_to_read(home: Home) {
    let service = Service::start(&home).await;
    // An id that would be another path, if it were not encoded.
    for user in ["../ann", ".."] {
        service.post(&sample::events(user, "e", 0..3)).await.expect(202);
    }
    let path = home.folder().join("ann.ndjson");
    let file = path.to_str().expect("a path");

    let output = export(&home, &["../ann", "--out", file]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(String::from_utf8_lossy(&output.stdout).contains(file));
    let lines = read(&fs::read_to_string(&path).expect("the file"));
    assert_eq!(lines["event"].len(), 3);
    assert_eq!(lines["look"][0]["actor"], "shell");
    let mode = fs::metadata(&path).expect("the file").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);

    // What is there is nobody's to be written over.
    assert!(complaint(&export(&home, &["../ann", "--out", file])).contains(file));
    let is_of_ann = |path: &PathBuf| {
        path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("ann.ndjson"))
    };
    let left: Vec<PathBuf> = home.files().into_iter().filter(is_of_ann).collect();
    assert_eq!(left, std::slice::from_ref(&path));
    let printed = export(&home, &[".."]);
    let text = String::from_utf8(printed.stdout).expect("text");
    assert_eq!(read(&text)["event"].len(), 3);
    let long = "x".repeat(257);
    assert!(complaint(&export(&home, &[&long])).contains("userId"));

    service.terminate().await;
    assert!(complaint(&export(&home, &["ann"])).contains("Start it"));
}
