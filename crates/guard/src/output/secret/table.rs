//! One line for each kind of token: what it begins with, what it is made of, how long it is, what else has
//! to hold. From the providers' public descriptions of their formats.

use std::ops::RangeInclusive;

use proofhouse_core::Severity::{self, Critical, High, Medium};

use super::super::{Action, OutputRule};
use super::check::{
    Check, age, aws_key, aws_session, base62_crc, base64_of, github_fine, hex, jwt, openai, pypi, random,
    slack, upper_random,
};

/// A kind of token.
#[derive(Debug)]
pub(super) struct Token {
    pub rule: OutputRule,
    /// How many bytes stand before the prefix, and of which class.
    pub lead: Option<(RangeInclusive<usize>, Class)>,
    /// What it is known by.
    pub prefix: &'static str,
    /// What the rest is made of.
    pub class: Class,
    /// Length of the rest.
    pub length: RangeInclusive<usize>,
    /// What else has to hold.
    pub check: Check,
}

/// What a token is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// Letters and digits.
    Alnum,
    /// Hexadecimal digits in lower case.
    Hex,
    /// Letters, digits, `-` and `_`.
    Url,
    /// The same with points.
    Dotted,
    /// Base64 with padding.
    Base64,
    /// Capitals and digits.
    Upper,
    /// Digits.
    Digit,
    /// What Entra writes: `Dotted` and `~`.
    Tilde,
}

impl Class {
    pub(super) fn function(self) -> fn(u8) -> bool {
        match self {
            Self::Alnum => |b| b.is_ascii_alphanumeric(),
            Self::Hex => |b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b),
            Self::Url => |b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_',
            Self::Dotted => |b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_' || b == b'.',
            Self::Base64 => |b| b.is_ascii_alphanumeric() || b == b'+' || b == b'/' || b == b'=',
            Self::Upper => |b| b.is_ascii_uppercase() || b.is_ascii_digit(),
            Self::Digit => |b| b.is_ascii_digit(),
            Self::Tilde => |b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_' || b == b'.' || b == b'~',
        }
    }
}

use Class::{Alnum, Base64, Digit, Dotted, Hex, Tilde, Upper, Url};

const fn row(
    id: &'static str,
    title: &'static str,
    severity: Severity,
    prefix: &'static str,
    class: Class,
    length: RangeInclusive<usize>,
    check: Check,
) -> Token {
    Token {
        rule: OutputRule::new(id, title, severity, Action::Redact),
        lead: None,
        prefix,
        class,
        length,
        check,
    }
}

/// A token that is known by what stands some bytes after its beginning.
const fn inner(lead: RangeInclusive<usize>, class: Class, token: Token) -> Token {
    Token { lead: Some((lead, class)), ..token }
}

const MANY: usize = usize::MAX;

#[rustfmt::skip]
pub(super) static TOKENS: &[Token] = &[
    row("secret/1password-service-account", "1Password service account token", Critical, "ops_eyJ", Base64, 100..=MANY, random),
    row("secret/adafruit-key", "Adafruit IO key", High, "aio_", Alnum, 28..=28, random),
    row("secret/age-key", "age private key", Critical, "AGE-SECRET-KEY-1", Upper, 58..=58, age),
    row("secret/airtable-token", "Airtable personal access token", Critical, "pat", Dotted, 79..=79, |t, c| (c.get(14..15) == Some(".")).then(|| random(t, c)).flatten()),
    row("secret/anthropic-admin-key", "Anthropic admin key", Critical, "sk-ant-admin01-", Url, 80..=120, random),
    row("secret/anthropic-key", "Anthropic API key", Critical, "sk-ant-api03-", Url, 80..=120, random),
    row("secret/anthropic-oauth-token", "Anthropic OAuth token", Critical, "sk-ant-oat01-", Url, 80..=120, random),
    row("secret/atlassian-token", "Atlassian API token", Critical, "ATATT3xFfGF0", Base64, 60..=240, random),
    row("secret/aws-access-key", "AWS access key id", High, "AKIA", Upper, 16..=16, aws_key),
    row("secret/aws-bedrock-key", "Amazon Bedrock API key", Critical, "ABSK", Base64, 100..=MANY, random),
    row("secret/aws-temporary-key", "AWS temporary access key id", High, "ASIA", Upper, 16..=16, aws_key),
    row("secret/aws-session-token", "AWS session token", Critical, "IQoJb3JpZ2lu", Base64, 100..=MANY, aws_session),
    row("secret/azure-devops-token", "Azure token with a standard signature", Critical, "JQQJ99", Alnum, 26..=26, random),
    inner(3..=3, Tilde, row("secret/azure-entra-secret", "Microsoft Entra client secret", Critical, "8Q~", Tilde, 31..=34, random)),
    row("secret/azure-function-key", "Azure account key", Critical, "AccountKey=", Base64, 88..=88, |t, c| base64_of(t, c, 64)),
    row("secret/azure-shared-access-key", "Azure shared access key", Critical, "SharedAccessKey=", Base64, 44..=44, |t, c| base64_of(t, c, 32)),
    row("secret/buildkite-token", "Buildkite token", High, "bkua_", Hex, 40..=40, hex),
    row("secret/clojars-token", "Clojars deploy token", High, "CLOJARS_", Hex, 60..=60, hex),
    row("secret/contentful-token", "Contentful management token", High, "CFPAT-", Url, 43..=43, random),
    row("secret/crates-io-token", "crates.io token", Critical, "cio", Alnum, 32..=32, random),
    row("secret/databricks-token", "Databricks token", Critical, "dapi", Hex, 32..=32, hex),
    row("secret/deepseek-style-key", "Model provider key", High, "sk-", Hex, 32..=32, hex),
    row("secret/digitalocean-oauth", "DigitalOcean OAuth token", Critical, "doo_v1_", Hex, 64..=64, hex),
    row("secret/digitalocean-token", "DigitalOcean access token", Critical, "dop_v1_", Hex, 64..=64, hex),
    row("secret/docker-token", "Docker access token", Critical, "dckr_pat_", Url, 27..=27, random),
    row("secret/doppler-token", "Doppler token", Critical, "dp.pt.", Alnum, 43..=43, random),
    row("secret/dropbox-token", "Dropbox short-lived token", High, "sl.", Url, 130..=MANY, random),
    row("secret/duffel-token", "Duffel token", High, "duffel_live_", Url, 43..=43, random),
    row("secret/dynatrace-token", "Dynatrace token", High, "dt0c01.", Dotted, 89..=89, random),
    row("secret/easypost-key", "EasyPost key", High, "EZAK", Alnum, 54..=54, random),
    row("secret/facebook-token", "Facebook access token", High, "EAACEdEose0cBA", Alnum, 20..=MANY, random),
    row("secret/figma-token", "Figma token", High, "figd_", Url, 36..=60, random),
    row("secret/fly-token", "Fly.io token", Critical, "fm2_", Base64, 100..=MANY, random),
    row("secret/frame-io-token", "Frame.io token", High, "fio-u-", Url, 64..=64, random),
    row("secret/github-app-token", "GitHub app installation token", Critical, "ghs_", Alnum, 36..=36, base62_crc),
    row("secret/github-fine-token", "GitHub fine-grained token", Critical, "github_pat_", Url, 82..=82, github_fine),
    row("secret/github-oauth-token", "GitHub OAuth token", Critical, "gho_", Alnum, 36..=36, base62_crc),
    row("secret/github-refresh-token", "GitHub refresh token", Critical, "ghr_", Alnum, 36..=76, base62_crc),
    row("secret/github-token", "GitHub personal access token", Critical, "ghp_", Alnum, 36..=36, base62_crc),
    row("secret/github-user-token", "GitHub app user token", Critical, "ghu_", Alnum, 36..=36, base62_crc),
    row("secret/gitlab-ci-token", "GitLab CI job token", High, "glcbt-", Dotted, 20..=300, random),
    row("secret/gitlab-deploy-token", "GitLab deploy token", Critical, "gldt-", Dotted, 20..=300, random),
    row("secret/gitlab-feed-token", "GitLab feed token", Medium, "glft-", Dotted, 20..=300, random),
    row("secret/gitlab-oauth-secret", "GitLab OAuth secret", Critical, "gloas-", Url, 64..=64, random),
    row("secret/gitlab-runner-token", "GitLab runner token", Critical, "glrt-", Dotted, 20..=300, random),
    row("secret/gitlab-token", "GitLab personal access token", Critical, "glpat-", Dotted, 20..=300, random),
    row("secret/gitlab-trigger-token", "GitLab trigger token", High, "glptt-", Hex, 40..=40, hex),
    row("secret/google-api-key", "Google API key", High, "AIza", Url, 35..=35, random),
    row("secret/google-oauth-secret", "Google OAuth client secret", Critical, "GOCSPX-", Url, 28..=28, random),
    row("secret/google-oauth-token", "Google OAuth access token", Critical, "ya29.", Url, 60..=MANY, random),
    row("secret/google-refresh-token", "Google OAuth refresh token", Critical, "1//0", Url, 60..=120, random),
    row("secret/grafana-cloud-token", "Grafana Cloud token", Critical, "glc_eyJ", Base64, 60..=MANY, random),
    row("secret/grafana-service-token", "Grafana service account token", Critical, "glsa_", Url, 41..=41, random),
    row("secret/groq-key", "Groq API key", Critical, "gsk_", Alnum, 52..=52, random),
    row("secret/harness-token", "Harness token", High, "pat.", Dotted, 60..=90, random),
    row("secret/heroku-key", "Heroku API key", Critical, "HRKU-", Url, 36..=64, random),
    row("secret/hugging-face-org-token", "Hugging Face organisation token", Critical, "api_org_", Alnum, 34..=34, random),
    row("secret/hugging-face-token", "Hugging Face token", Critical, "hf_", Alnum, 34..=40, random),
    row("secret/infracost-key", "Infracost key", Medium, "ico-", Alnum, 32..=32, random),
    row("secret/jwt", "JSON Web Token", High, "eyJ", Dotted, 24..=MANY, jwt),
    row("secret/langsmith-key", "LangSmith key", Critical, "lsv2_", Url, 40..=60, random),
    row("secret/linear-key", "Linear API key", High, "lin_api_", Alnum, 40..=40, random),
    row("secret/mailchimp-transactional-key", "Mailchimp transactional key", High, "md-", Url, 22..=22, random),
    row("secret/mailgun-key", "Mailgun key", High, "key-", Hex, 32..=32, hex),
    row("secret/new-relic-key", "New Relic user key", High, "NRAK-", Upper, 27..=27, upper_random),
    row("secret/notion-token", "Notion token", High, "ntn_", Alnum, 40..=50, random),
    row("secret/npm-token", "npm access token", Critical, "npm_", Alnum, 36..=36, base62_crc),
    row("secret/nvidia-key", "NVIDIA API key", Critical, "nvapi-", Url, 60..=70, random),
    row("secret/openai-admin-key", "OpenAI admin key", Critical, "sk-admin-", Url, 74..=180, openai),
    row("secret/openai-project-key", "OpenAI project key", Critical, "sk-proj-", Url, 74..=180, openai),
    row("secret/openai-service-key", "OpenAI service account key", Critical, "sk-svcacct-", Url, 74..=180, openai),
    row("secret/openai-key", "OpenAI API key", Critical, "sk-", Alnum, 48..=48, openai),
    row("secret/openrouter-key", "OpenRouter key", Critical, "sk-or-v1-", Hex, 64..=64, hex),
    row("secret/perplexity-key", "Perplexity key", Critical, "pplx-", Alnum, 48..=56, random),
    row("secret/planetscale-password", "PlanetScale password", Critical, "pscale_pw_", Dotted, 32..=64, random),
    row("secret/planetscale-token", "PlanetScale token", Critical, "pscale_tkn_", Dotted, 32..=64, random),
    row("secret/postman-key", "Postman key", High, "PMAK-", Url, 59..=59, random),
    row("secret/prefect-key", "Prefect key", High, "pnu_", Alnum, 36..=36, random),
    row("secret/pulumi-token", "Pulumi token", Critical, "pul-", Hex, 40..=40, hex),
    row("secret/pypi-token", "PyPI upload token", Critical, "pypi-AgE", Url, 50..=MANY, pypi),
    row("secret/rapid-square-token", "Square access token", Critical, "sq0atp-", Url, 22..=22, random),
    row("secret/readme-key", "ReadMe key", Medium, "rdme_", Alnum, 70..=70, random),
    row("secret/replicate-token", "Replicate token", Critical, "r8_", Alnum, 37..=37, random),
    row("secret/rubygems-key", "RubyGems key", Critical, "rubygems_", Hex, 48..=48, hex),
    row("secret/sendgrid-key", "SendGrid key", Critical, "SG.", Dotted, 66..=66, |t, c| (c.get(22..23) == Some(".")).then(|| random(t, c)).flatten()),
    row("secret/sendinblue-key", "Brevo key", High, "xkeysib-", Url, 81..=81, random),
    row("secret/sentry-org-token", "Sentry organisation token", High, "sntrys_eyJ", Base64, 60..=MANY, random),
    row("secret/sentry-user-token", "Sentry user token", High, "sntryu_", Hex, 64..=64, hex),
    row("secret/shippo-token", "Shippo token", High, "shippo_live_", Hex, 40..=40, hex),
    row("secret/shopify-access-token", "Shopify access token", Critical, "shpat_", Alnum, 32..=32, random),
    row("secret/shopify-secret", "Shopify shared secret", Critical, "shpss_", Alnum, 32..=32, random),
    row("secret/slack-app-token", "Slack app-level token", Critical, "xapp-", Url, 40..=200, slack),
    row("secret/slack-bot-token", "Slack bot token", Critical, "xoxb-", Url, 30..=200, slack),
    row("secret/slack-session-token", "Slack session token", Critical, "xoxs-", Url, 30..=200, slack),
    row("secret/slack-user-token", "Slack user token", Critical, "xoxp-", Url, 30..=200, slack),
    row("secret/slack-config-token", "Slack configuration token", Critical, "xoxe.", Dotted, 60..=300, random),
    row("secret/square-secret", "Square OAuth secret", Critical, "sq0csp-", Url, 43..=43, random),
    row("secret/stripe-live-key", "Stripe live secret key", Critical, "sk_live_", Alnum, 24..=247, random),
    row("secret/stripe-restricted-key", "Stripe restricted key", Critical, "rk_live_", Alnum, 24..=247, random),
    row("secret/stripe-test-key", "Stripe test secret key", Medium, "sk_test_", Alnum, 24..=247, random),
    row("secret/stripe-webhook-secret", "Stripe webhook secret", High, "whsec_", Base64, 32..=64, random),
    row("secret/supabase-token", "Supabase token", Critical, "sbp_", Hex, 40..=40, hex),
    row("secret/supabase-secret-key", "Supabase secret key", Critical, "sb_secret_", Url, 31..=40, random),
    row("secret/tailscale-key", "Tailscale key", Critical, "tskey-", Url, 24..=80, random),
    inner(8..=10, Digit, row("secret/telegram-bot-token", "Telegram bot token", High, ":AA", Url, 33..=33, random)),
    row("secret/twitter-bearer", "X bearer token", High, "AAAAAAAAAAAAAAAAAAAAA", Alnum, 80..=120, random),
    row("secret/typeform-token", "Typeform token", High, "tfp_", Dotted, 59..=59, random),
    row("secret/vault-batch-token", "Vault batch token", Critical, "hvb.", Url, 90..=300, random),
    row("secret/vault-token", "Vault service token", Critical, "hvs.", Url, 90..=200, random),
    row("secret/voyage-key", "Voyage AI key", High, "pa-", Url, 43..=43, random),
    row("secret/wandb-key", "Weights & Biases key", Critical, "wandb_v1_", Url, 40..=100, random),
    row("secret/xai-key", "xAI key", Critical, "xai-", Alnum, 80..=80, random),
];
