//! A plugin library as read and judged.

mod functions;

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
};

use datafusion_plugin_api::abi::manifest::{Layer, Manifest};
use datafusion_plugin_host::{
    artifact::{Artifact, ArtifactError, description::Description},
    judge::{HostIdentity, JudgeOptions, Refusal, judge},
    trust::Grants,
};
use serde::Serialize;

use crate::{
    exit::Exit,
    output::{WIDTH, clean, wrapped},
};

/// What `inspect` and `list` tell of a file.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    pub(crate) path: PathBuf,
    /// `null` for what is no plugin.
    pub(crate) manifest: Option<Manifest>,
    pub(crate) loadable: bool,
    /// Why it cannot be loaded, and why capabilities of it are refused.
    pub(crate) reasons: Vec<String>,
    /// Kinds of capabilities that are refused although the rest is taken.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) refused_capabilities: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) description: Option<Description>,
    #[serde(skip)]
    format: String,
}

impl Report {
    /// Judges a file as read; the options are asked for by the plugin's name.
    pub(crate) fn of(
        path: &Path,
        artifact: Result<Artifact, ArtifactError>,
        options: impl FnOnce(&str) -> JudgeOptions,
    ) -> Self {
        match artifact {
            Ok(artifact) => Self::of_artifact(&artifact, options),
            Err(error) => Self::unreadable(path, error.problem.to_string()),
        }
    }

    /// A file or directory that cannot be read.
    pub(crate) fn unreadable(path: &Path, reason: String) -> Self {
        Self {
            path: path.to_owned(),
            manifest: None,
            loadable: false,
            reasons: vec![reason],
            refused_capabilities: Vec::new(),
            description: None,
            format: String::new(),
        }
    }

    fn of_artifact(artifact: &Artifact, options: impl FnOnce(&str) -> JudgeOptions) -> Self {
        let manifest = artifact.manifest();
        let options = options(&manifest.name);
        let verdict = judge(artifact, &HostIdentity::current(), &options);
        let refused = verdict.refused_capabilities.iter();
        Self {
            path: artifact.path().to_owned(),
            manifest: Some(manifest.clone()),
            loadable: verdict.loadable(),
            reasons: verdict.all_reasons().map(ToString::to_string).collect(),
            refused_capabilities: refused.map(|(c, _)| c.kind.name().to_owned()).collect(),
            description: artifact.description().cloned(),
            format: format!("{}, {} bits", artifact.format(), artifact.bits()),
        }
    }

    /// The same, refused for a reason that is not in the manifest.
    pub(crate) fn refused(mut self, problem: impl ToString) -> Self {
        let problem = problem.to_string();
        // A file that cannot be read says so once.
        if !self.reasons.contains(&problem) {
            self.reasons.insert(0, problem);
        }
        self.loadable = false;
        self
    }

    /// The same, without the capabilities that are not granted.
    pub(crate) fn within(mut self, grants: &Grants) -> Self {
        let Some(manifest) = &self.manifest else {
            return self;
        };
        for capability in &manifest.capabilities {
            let kind = capability.kind.name();
            if !grants.allow_capability(&capability.kind)
                && !self
                    .refused_capabilities
                    .iter()
                    .any(|refused| refused == kind)
            {
                let refusal = Refusal::NotGranted {
                    capability: kind.to_owned(),
                    plugin: manifest.name.clone(),
                };
                self.reasons.push(refusal.to_string());
                self.refused_capabilities.push(kind.to_owned());
            }
        }
        self
    }

    /// How a command ends that is about this file.
    pub(crate) fn exit(&self) -> Exit {
        match (&self.manifest, self.loadable) {
            (None, _) => Exit::Unusable,
            (_, false) => Exit::Failure,
            (_, true) => Exit::Success,
        }
    }

    /// `yes`, `no`, or `yes, but for some capabilities`, for people.
    pub(crate) fn verdict(&self) -> String {
        match (self.loadable, self.refused_capabilities.is_empty()) {
            (true, true) => "yes".to_owned(),
            (true, false) => format!("yes, without {}", self.refused_capabilities.join(", ")),
            (false, _) => "no".to_owned(),
        }
    }

    /// Writes it for people; `full` cuts nothing.
    pub(crate) fn write(&self, out: &mut dyn Write, full: bool) -> io::Result<()> {
        let path = clean(&self.path.display().to_string());
        let Some(manifest) = &self.manifest else {
            return writeln!(out, "{path}\n  {}", clean(&self.reasons.join("; ")));
        };
        let text = |text: &str| clean(text);
        writeln!(
            out,
            "{} {}  ({path})",
            manifest.name,
            text(&manifest.version)
        )?;
        if !manifest.description.is_empty() {
            writeln!(out, "  {}", text(&manifest.description))?;
        }
        let kinds = manifest.capabilities.iter();
        let kinds = kinds.map(|capability| match capability.layer {
            Layer::Portable => capability.kind.to_string(),
            layer => format!("{} ({layer})", capability.kind),
        });
        let kinds = kinds.collect::<Vec<_>>().join(", ");
        let mut built = format!(
            "DataFusion {}, arrow {}",
            manifest.datafusion, manifest.arrow
        );
        for (name, version) in [
            ("sqlparser", &manifest.sqlparser),
            ("datafusion-ffi", &manifest.datafusion_ffi),
        ] {
            if !version.is_empty() {
                built += &format!(", {name} {version}");
            }
        }
        let rustc = format!("{}, {}", manifest.rustc, manifest.profile);
        let target = format!("{} ({})", manifest.target, self.format);
        for (label, value) in [
            ("license", manifest.license.as_str()),
            ("contract", &manifest.contract.to_string()),
            ("built with", &built),
            ("rustc", &rustc),
            ("panic", &manifest.panic),
            ("target", &target),
            ("exports", &kinds),
            ("loadable", &self.verdict()),
        ] {
            for (position, line) in wrapped(&text(value), WIDTH - 14).iter().enumerate() {
                let label = if position == 0 { label } else { "" };
                writeln!(out, "  {label:<11} {line}")?;
            }
        }
        for reason in &self.reasons {
            writeln!(out, "    - {}", text(reason))?;
        }
        match &self.description {
            Some(description) => functions::write(out, description, full),
            None => writeln!(
                out,
                "  functions   not described; 'plugin-host pack' adds their description to the file"
            ),
        }
    }
}
