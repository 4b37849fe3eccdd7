//! Requirements that are spelt nearly as a well-known package is: whoever takes such a name waits for a slip of the keys.

/// Packages that models are made with, as their index names them.
const PACKAGES: [&str; 64] = [
    "accelerate",
    "aiohttp",
    "albumentations",
    "anthropic",
    "bitsandbytes",
    "boto3",
    "catboost",
    "cloudpickle",
    "cryptography",
    "datasets",
    "deepspeed",
    "diffusers",
    "fastapi",
    "flash-attn",
    "gradio",
    "huggingface-hub",
    "jinja2",
    "joblib",
    "jupyter",
    "jupyterlab",
    "keras",
    "langchain",
    "lightgbm",
    "lightning",
    "matplotlib",
    "mlflow",
    "networkx",
    "numpy",
    "onnxruntime",
    "openai",
    "opencv-python",
    "optuna",
    "pandas",
    "pillow",
    "plotly",
    "protobuf",
    "psutil",
    "pyarrow",
    "pydantic",
    "pytest",
    "python-dotenv",
    "pytorch-lightning",
    "pyyaml",
    "requests",
    "safetensors",
    "scikit-learn",
    "scipy",
    "seaborn",
    "sentence-transformers",
    "sentencepiece",
    "setuptools",
    "spacy",
    "sqlalchemy",
    "streamlit",
    "tensorboard",
    "tensorflow",
    "tokenizers",
    "torch",
    "torchaudio",
    "torchvision",
    "transformers",
    "urllib3",
    "uvicorn",
    "xgboost",
];
/// Packages of their own whose names are near one of those.
const OWN: [&str; 24] = [
    "boto",
    "dataset",
    "fastapi-cli",
    "kerax",
    "keras2",
    "langchainhub",
    "lightning-sdk",
    "numba",
    "numpyro",
    "openapi",
    "panda",
    "pyaml",
    "pyscipy",
    "pytest-cov",
    "request",
    "scipy-stubs",
    "spacy-llm",
    "tensorflows",
    "tokenizer",
    "torchx",
    "transformer",
    "uvicorn-worker",
    "pytests",
    "jinja",
];

/// The well-known package that a requirement's name is nearly spelt as.
pub(super) fn nearly(requirement: &str) -> Option<&'static str> {
    let name: String = requirement
        .trim()
        .chars()
        .take_while(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '.'))
        .collect::<String>()
        .to_ascii_lowercase()
        .replace(['_', '.'], "-");
    if name.len() < 5 || PACKAGES.contains(&name.as_str()) || OWN.contains(&name.as_str()) {
        return None;
    }
    PACKAGES.into_iter().find(|package| slip(&name, package))
}

/// Whether one slip makes `known` of `name`: a letter too few, too many, wrong or in the wrong place, or letters that look
/// like another. What goes on behind the known name is a name of its own.
fn slip(name: &str, known: &str) -> bool {
    let looks =
        |text: &str| text.replace("rn", "m").replace(['1', 'l'], "i").replace('0', "o").replace("vv", "w");
    if looks(name) == looks(known) {
        return true;
    }
    let (a, b): (Vec<char>, Vec<char>) = (name.chars().collect(), known.chars().collect());
    if a.len().abs_diff(b.len()) > 1 || known.len() < 5 {
        return false;
    }
    let before = a.iter().zip(&b).take_while(|(x, y)| x == y).count();
    let behind = a.iter().rev().zip(b.iter().rev()).take_while(|(x, y)| x == y).count();
    let longest = a.len().max(b.len());
    // Plurals, versions and the like change the end.
    let inside = before < a.len().min(b.len()) && behind > 0;
    let one = before + behind + 1 >= longest && inside;
    let swapped = a.len() == b.len() && before + behind + 2 == a.len() && {
        let pair = |text: &[char]| Some((*text.get(before)?, *text.get(before + 1)?));
        pair(&a).zip(pair(&b)).is_some_and(|((p, q), (r, s))| p == s && q == r)
    };
    one || swapped
}

#[cfg(test)]
mod tests {
    use super::nearly;

    #[test]
    fn slips_are_told_from_names() {
        for (requirement, known) in [
            ("nunpy", "numpy"),
            ("transfomers==4.40", "transformers"),
            ("scikit-leam", "scikit-learn"),
            ("reqeusts>=2", "requests"),
            ("pyyarnl", "pyyaml"),
            ("tensorfiow", "tensorflow"),
        ] {
            assert_eq!(nearly(requirement), Some(known), "{requirement}");
        }
        for requirement in [
            "numpy==1.26",
            "torch",
            "keras-tuner",
            "torchx",
            "pandas-stubs",
            "tokenizer",
            "Flask",
            "timm",
            "nltk",
            "dataset",
        ] {
            assert_eq!(nearly(requirement), None, "{requirement}");
        }
    }
}
