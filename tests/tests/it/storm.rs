//! The storm in short: nothing breaks, and memory stays within its bounds. How fast good clients are is for the long form.

use std::process::Command;

#[test]
fn good_clients_are_served_in_a_storm_of_hostile_ones() {
    let arguments = ["--clients", "400", "--addresses", "40", "--seconds", "6"];
    let output = Command::new(env!("CARGO_BIN_EXE_storm")).args(arguments).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    println!("{text}");
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
}
