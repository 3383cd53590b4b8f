//! The compiler, with the libraries that cargo has built for this test.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

use crate::message::messages;

/// What programs of the cases may use.
const LIBRARIES: [&str; 6] = ["chrono", "feathers", "jiff", "rust_decimal", "serde", "serde_json"];

/// Returns the root of the workspace: sources are known by their paths in it.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// A compiler of programs that use the framework.
pub(crate) struct Compiler {
    arguments: Vec<String>,
}

impl Compiler {
    /// Asks cargo where the libraries are. All are built, since this test is linked with them.
    pub(crate) fn new() -> Self {
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(["test", "--workspace", "--all-features", "--test", "ui", "--no-run", "--message-format=json"]);
        let output = cargo.current_dir(root()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let built = String::from_utf8(output.stdout).unwrap();
        let built: Vec<Value> = built.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();

        let mut arguments = vec!["--edition=2024".to_owned(), "--error-format=json".to_owned()];
        for library in LIBRARIES {
            let of_library = |message: &&Value| {
                message["reason"] == "compiler-artifact"
                    && message["target"]["name"] == library
                    && message["target"]["kind"][0] == "lib"
                    && message["profile"]["test"] == false
            };
            let files = built.iter().filter(of_library).flat_map(|message| message["filenames"].as_array().unwrap());
            let files = files.filter_map(|file| Some(Path::new(file.as_str()?)));
            let files: Vec<&Path> = files.filter(|file| file.extension().is_some_and(|is| is == "rlib")).collect();
            let [file] = files[..] else { panic!("{library} is built as {files:?}") };
            arguments.extend(["--extern".to_owned(), format!("{library}={}", file.display())]);
            let folder = file.parent().unwrap();
            arguments.extend(["-L".to_owned(), format!("dependency={}", folder.display())]);
        }
        let linked = built.iter().filter_map(|message| message["linked_paths"].as_array()).flatten();
        arguments.extend(linked.filter_map(Value::as_str).flat_map(|path| ["-L".to_owned(), path.to_owned()]));
        Self { arguments }
    }

    /// Returns what the compiler says of a program; `None` if it takes it.
    pub(crate) fn messages_of(&self, case: &Path) -> Option<String> {
        let output = self.compile(case, &["--emit=metadata"], &result("messages", case));
        if output.status.success() { None } else { Some(messages(&output.stderr)) }
    }

    /// Compiles a program and runs it.
    pub(crate) fn run(&self, case: &Path) -> Result<(), String> {
        let program = result("programs", case);
        let output = self.compile(case, &["--emit=link", "-Cdebuginfo=0", "-Cstrip=debuginfo"], &program);
        let said = messages(&output.stderr);
        if !output.status.success() || !said.is_empty() {
            return Err(said);
        }
        let ran = Command::new(program).output().map_err(|error| error.to_string())?;
        if ran.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&ran.stderr).into_owned()) }
    }

    fn compile(&self, case: &Path, arguments: &[&str], to: &Path) -> Output {
        let mut rustc = Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
        rustc.args(&self.arguments).args(arguments).arg(case).arg("-o").arg(to);
        rustc.current_dir(root()).output().unwrap()
    }
}

/// Returns where the result of a case goes.
fn result(folder: &str, case: &Path) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("ui").join(folder);
    std::fs::create_dir_all(&folder).unwrap();
    let [.., group, _] = &case.iter().collect::<Vec<_>>()[..] else { panic!("{}", case.display()) };
    folder.join(format!("{}-{}", group.display(), case.file_stem().unwrap().display()))
}
