//! Functions that nothing in the source has called: who may call them, and with what.

use super::{Body, Callable, Event, Handed, MAX_STEPS, MAX_SWEEP, Machine, Manner, Reach, What};
use crate::python::effects::Effect;
use crate::python::syntax::{Id, Kind, Parameter, Passing};
use crate::python::value::{Arguments, Taint, Value};

impl Machine<'_> {
    /// Functions that were not run with whatever somebody may pass: methods by whoever uses the class.
    pub(super) fn sweep(&mut self) {
        let mut left = MAX_SWEEP;
        self.sweeping = true;
        self.sweep_once(&mut left);
        // What methods keep, others may give away that stand before them.
        let keeps = |machine: &Self| machine.origins.has(Taint::SECRET.and(Taint::KEY));
        for _ in 0..ROUNDS {
            if !keeps(self) || !self.functions.iter().any(|callable| self.may_answer(callable)) {
                break;
            }
            let (put, events) = (self.put.len(), self.events.len());
            for function in &mut self.functions {
                function.swept = None;
                function.known.clear();
            }
            self.sweep_once(&mut left);
            let again = self.events.split_off(events.min(self.events.len()));
            let sends = |event: &Event| matches!(&event.what, What::Effect { effect: Effect::Network, taint, .. } if taint.has(Taint::SECRET.and(Taint::KEY)));
            for event in again.into_iter().filter(sends).take(MAX_AGAIN) {
                let told = |known: &Event| {
                    known.what == event.what && known.line == event.line && known.path == event.path
                };
                if !self.events.iter().any(told) {
                    self.events.push(event);
                }
            }
            if self.put.len() == put {
                break;
            }
        }
    }

    fn sweep_once(&mut self, left: &mut u64) {
        let mut index = 0;
        while index < self.functions.len() {
            if let Some(callable) = self.functions.get(index).cloned()
                && self.modules.get(callable.module).is_some_and(|m| m.path == self.subject)
            {
                let reach = self.reach_of(&callable);
                if callable.swept.is_none_or(|swept| swept < reach) {
                    self.reach = reach;
                    let steps = (*left).min(MAX_STEPS / 4);
                    self.steps = MAX_STEPS - steps;
                    self.exhausted = false;
                    self.in_lambda = matches!(callable.body, Body::Lambda(_));
                    let arguments = passed(&callable, reach);
                    self.yielded = Taint::NONE;
                    self.serving = self.is_asked(&callable);
                    let answer = self.call_function(index, arguments, true);
                    self.answers(&callable, &answer);
                    // Whoever calls it has what it answers, and calls that as it calls this.
                    if reach >= Reach::Handed {
                        let made = answer.choices().to_vec();
                        self.mark_handed(&made, callable.handed.unwrap_or(Handed::Over));
                    }
                    *left -= steps - (MAX_STEPS - self.steps.min(MAX_STEPS));
                }
            }
            index += 1;
        }
    }

    /// Tells of a function that answers whoever asks with secrets of the machine: its variables, or a file of credentials.
    fn answers(&mut self, callable: &Callable, answer: &Value) {
        let Body::Def(function) = &callable.body else { return };
        let taint = self.taint_of_all(answer).and(self.yielded);
        let told = taint.has(Taint::SECRET) && self.serves(callable) && self.reach >= Reach::Use
            || taint.has(Taint::BARE) && self.may_answer(callable);
        if told {
            let what = What::Effect {
                effect: Effect::Network,
                name: "an answer".to_owned(),
                arguments: Vec::new(),
                taint: Taint::SECRET,
                manner: Manner::Sending,
            };
            let (path, line) = (self.subject.clone(), function.line);
            self.events.push(Event { what, reach: self.reach, path, line, hidden: false });
        }
    }

    /// Whether a serving program calls the function by its name in such a file.
    fn serves(&self, callable: &Callable) -> bool {
        let Body::Def(function) = &callable.body else { return false };
        let name = function.name.as_str();
        let file = self.subject.rsplit('/').next().unwrap_or_default();
        ENTRY_FILES.contains(&file) && (name == "__call__" || ENTRIES.contains(&name))
            || HANDLERS.contains(&name) && name.ends_with("_fn")
            || self.project.is_served(&self.subject, name)
    }

    /// Whether a server calls the function with what somebody sends.
    fn is_asked(&self, callable: &Callable) -> bool {
        let Body::Def(function) = &callable.body else { return false };
        let file = self.subject.rsplit('/').next().unwrap_or_default();
        let handles = ENTRY_FILES.contains(&file) && ANSWERS.contains(&function.name.as_str());
        let starts = ["init", "model_fn", "load_model", "get_model", "_load_pyfunc", "load_context"];
        (self.serves(callable) || handles || self.is_routed(callable))
            && !starts.contains(&function.name.as_str())
    }

    /// Whether what the function returns goes to whoever uses a model: it is a handler of a server, of a web page, or a
    /// method by which models answer.
    fn may_answer(&self, callable: &Callable) -> bool {
        let Body::Def(function) = &callable.body else { return false };
        let name = function.name.as_str();
        let method = callable.owner.is_some()
            && (ANSWERS.contains(&name) || name == "__call__" && function.parameters.len() > 1);
        method || self.serves(callable) || self.is_routed(callable)
    }

    /// Whether a decorator makes a page of a web server of the function: `@app.get("/status")`.
    fn is_routed(&self, callable: &Callable) -> bool {
        const ROUTES: [&str; 9] =
            ["get", "post", "put", "patch", "delete", "route", "api_route", "websocket", "api"];
        let Body::Def(function) = &callable.body else { return false };
        let Some(module) = self.modules.get(callable.module) else { return false };
        let kind = |id: Id| module.tree.expressions.get(id).map(|e| &e.kind);
        function.decorators.iter().any(|id| match kind(*id) {
            Some(Kind::Call(callee, arguments)) => {
                let routes = matches!(kind(*callee), Some(Kind::Attribute(_, name)) if ROUTES.contains(&name.as_str()));
                let first = arguments.first().and_then(|argument| kind(argument.value));
                routes && (matches!(first, Some(Kind::Text(path)) if path.starts_with('/')))
            }
            Some(Kind::Attribute(_, name)) => name == "api",
            _ => false,
        })
    }

    fn reach_of(&self, callable: &Callable) -> Reach {
        let reach = self.own_reach(callable);
        match callable.handed {
            Some(Handed::Instead) => reach.max(Reach::Use),
            Some(Handed::Given) => reach.max(Reach::Given),
            Some(Handed::Over) => reach.max(Reach::Handed),
            None => reach,
        }
    }

    fn own_reach(&self, callable: &Callable) -> Reach {
        let Body::Def(function) = &callable.body else { return Reach::Dormant };
        let loaded = self.project.is_loaded(&self.subject);
        let name = function.name.as_str();
        let file = self.subject.rsplit('/').next().unwrap_or_default();
        match (callable.owner.is_some(), loaded) {
            // The runner of tests calls these by their names.
            (false, _) if name.starts_with("pytest_") => Reach::Use,
            // What torch.hub calls by name, what documentation and servers call of their settings.
            (false, _) if file == "hubconf.py" && !name.starts_with('_') => Reach::Use,
            // Trainers lay this script beside their checkpoints, and documentation says to run it: what it starts, people run.
            (false, _) if file == "zero_to_fp32.py" => Reach::Use,
            (false, _) if DOCUMENTATION.contains(&name) => Reach::Use,
            (false, _) if SETTINGS.contains(&(file, name)) => Reach::Use,
            (true, true) if LOADERS.contains(&name) => Reach::Load,
            (true, _) => Reach::Use,
            (false, true) if HANDLERS.contains(&name) || ENTRIES.contains(&name) => Reach::Load,
            (false, _) if HANDLERS.contains(&name) || self.project.is_served(&self.subject, name) => {
                Reach::Use
            }
            (false, _) if ENTRIES.contains(&name) && ENTRY_FILES.contains(&file) => Reach::Use,
            _ => Reach::Dormant,
        }
    }
}

/// What whoever calls a function that was handed over passes: anything, known to be theirs.
fn passed(callable: &Callable, reach: Reach) -> Arguments {
    if !matches!(reach, Reach::Handed | Reach::Given) {
        return Arguments::default();
    }
    let parameters: &[Parameter] = match &callable.body {
        Body::Def(function) => &function.parameters,
        Body::Lambda(lambda) => &lambda.0,
    };
    let plain = parameters.iter().filter(|p| p.passing == Passing::Plain && p.name != "self");
    Arguments::of(
        plain.map(|p| {
            Value::Unknown(if is_key(&p.name) { Taint::CALLER.and(Taint::KEY) } else { Taint::CALLER })
        }),
    )
}

/// Whether a parameter is named as what somebody has to keep to themselves.
fn is_key(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    ["api_key", "apikey", "password", "passwd", "secret", "access_token", "auth_token", "hf_token"]
        .iter()
        .any(|key| lower.contains(key))
}

/// Methods by which models, and what serves them, answer (torch, Keras, TorchServe, Triton, MLflow, BentoML, KServe, Cog,
/// LitServe, Seldon).
const ANSWERS: [&str; 18] = [
    "forward",
    "predict",
    "predict_stream",
    "predict_proba",
    "postprocess",
    "preprocess",
    "handle",
    "execute",
    "inference",
    "infer",
    "transform",
    "generate",
    "call",
    "encode_response",
    "explain",
    "explain_handle",
    "health_status",
    "run_inference",
];

/// How often all methods are run once more, with what the others keep.
const ROUNDS: usize = 3;
/// Events of such a round that are held against those told before.
const MAX_AGAIN: usize = 1000;

/// What a loader calls of a class that a configuration names (transformers, diffusers, sentence-transformers, peft).
const LOADERS: [&str; 25] = [
    "initialize",
    "__init__",
    "__new__",
    "__post_init__",
    "__init_subclass__",
    "__getattr__",
    "__getattribute__",
    "__setattr__",
    "__setstate__",
    "__reduce__",
    "__del__",
    "__call__",
    "from_pretrained",
    "from_config",
    "_from_config",
    "from_dict",
    "from_json_file",
    "register_for_auto_class",
    "post_init",
    "_init_weights",
    "init_weights",
    "tie_weights",
    "_load_from_state_dict",
    "load_state_dict",
    "load",
];

/// Functions that serving programs call by names of their own (SageMaker, MLflow).
const HANDLERS: [&str; 10] = [
    "model_fn",
    "input_fn",
    "predict_fn",
    "output_fn",
    "transform_fn",
    "_load_pyfunc",
    "load_context",
    "__getattr__",
    // What a model exported to Python is used by (CatBoost).
    "apply_catboost_model",
    "apply_catboost_model_multi",
];

/// Functions that serving programs call by names that others use, too: entries only in files that are called so.
const ENTRIES: [&str; 15] = [
    "handle",
    "handler",
    "predict",
    "inference",
    "init",
    "run",
    "load_model",
    "get_model",
    // What installing calls of a build backend (PEP 517, PEP 660).
    "build_wheel",
    "build_sdist",
    "build_editable",
    "get_requires_for_build_wheel",
    "get_requires_for_build_sdist",
    "get_requires_for_build_editable",
    "prepare_metadata_for_build_wheel",
];

/// Functions of settings that a program calls when it starts (Sphinx, gunicorn, pytest, IPython).
const SETTINGS: [(&str, &str); 9] = [
    ("conf.py", "setup"),
    // A way to generate that transformers takes from the model's folder.
    ("generate.py", "generate"),
    ("gunicorn.conf.py", "on_starting"),
    ("gunicorn.conf.py", "when_ready"),
    ("gunicorn.conf.py", "post_fork"),
    ("gunicorn.conf.py", "pre_fork"),
    ("gunicorn.conf.py", "post_worker_init"),
    ("gunicorn_conf.py", "on_starting"),
    ("__init__.py", "load_ipython_extension"),
];

/// Hooks that MkDocs calls by name.
const DOCUMENTATION: [&str; 8] = [
    "on_startup",
    "on_pre_build",
    "on_post_build",
    "on_page_markdown",
    "on_page_content",
    "on_page_context",
    "on_post_page",
    "on_build_error",
];

/// Files with such entries (TorchServe, Azure ML, Hugging Face endpoints).
const ENTRY_FILES: [&str; 7] = [
    "handler.py",
    "inference.py",
    "score.py",
    "predict.py",
    "serve.py",
    "model_handler.py",
    "custom_handler.py",
];
