//! `plugin-host sql`

mod format;

use std::{
    fs,
    io::{self, IsTerminal, Write},
};

use datafusion::{
    common::DataFusionError,
    execution::SendableRecordBatchStream,
    logical_expr::LogicalPlan,
    prelude::{SessionConfig, SessionContext},
    sql::parser::{DFParserBuilder, Statement},
    sql::sqlparser::dialect::dialect_from_str,
};
use datafusion_plugin_host::{GuardedSession, PluginHost, Subject};
use futures::StreamExt;

use self::format::ResultWriter;
use crate::{
    cli::{Source, SqlArgs},
    exit::{CliError, Exit},
    trust,
};

pub(crate) fn run(args: &SqlArgs, out: &mut dyn Write) -> Result<Exit, CliError> {
    tracing_subscriber::fmt()
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        .with_max_level(tracing_subscriber::filter::LevelFilter::WARN)
        .init();
    let texts = args.statements.0.iter().map(text);
    let texts = texts.collect::<Result<Vec<_>, _>>()?;
    let (search, config) = (args.selection.search_path(), args.selection.config()?);
    trust::tell(&trust::modes(&search, &config))?;
    let host = PluginHost::builder().search(search).config(config).load()?;
    let config = SessionConfig::new().with_information_schema(true);
    let ctx = SessionContext::new_with_config(config).enable_url_table();
    trust::tell_refused(&host.install(&ctx))?;
    let session = match host.has_policies() {
        true => Session::Guarded(Box::new(host.guarded(&ctx, subject(args)))),
        false => Session::Plain(ctx),
    };
    let runtime = tokio::runtime::Runtime::new().map_err(CliError::Runtime)?;
    runtime.block_on(async {
        for text in texts {
            for statement in session.parse(&text)? {
                session.execute(statement, args, out).await?;
            }
        }
        Ok(Exit::Success)
    })
}

/// Who policies are told sends the statements.
fn subject(args: &SqlArgs) -> Subject {
    let subject = match &args.user {
        Some(user) => Subject::user(user),
        None => Subject::default(),
    };
    args.roles.iter().fold(subject, Subject::with_role)
}

/// Statements go past policies wherever there are any.
enum Session {
    Plain(SessionContext),
    Guarded(Box<GuardedSession>),
}

/// The SQL of one option.
fn text(source: &Source) -> Result<String, CliError> {
    match source {
        Source::Text(text) => Ok(text.clone()),
        Source::File(path) => fs::read_to_string(path).map_err(|source| CliError::Script {
            path: path.clone(),
            source,
        }),
    }
}

fn parse(
    ctx: &SessionContext,
    text: &str,
) -> Result<impl Iterator<Item = Statement>, DataFusionError> {
    let state = ctx.state();
    let options = &state.config_options().sql_parser;
    let dialect = options.dialect.to_string();
    let dialect = dialect_from_str(&dialect).ok_or_else(|| {
        DataFusionError::Configuration(format!("unknown SQL dialect '{dialect}'"))
    })?;
    let mut parser = DFParserBuilder::new(text)
        .with_dialect(dialect.as_ref())
        .with_recursion_limit(options.recursion_limit.into())
        .build()?;
    Ok(parser.parse_statements()?.into_iter())
}

impl Session {
    fn parse(&self, text: &str) -> Result<Vec<Statement>, DataFusionError> {
        match self {
            Self::Plain(ctx) => Ok(parse(ctx, text)?.collect()),
            Self::Guarded(session) => session.parse(text),
        }
    }

    /// Runs a statement and writes its rows, if it can have any, as they come.
    async fn execute(
        &self,
        statement: Statement,
        args: &SqlArgs,
        out: &mut dyn Write,
    ) -> Result<(), CliError> {
        let (stream, silent) = match self {
            Self::Plain(ctx) => {
                let plan = ctx.state().statement_to_plan(statement).await?;
                let silent = matches!(plan, LogicalPlan::Ddl(_) | LogicalPlan::Statement(_));
                let frame = ctx.execute_logical_plan(plan).await?;
                (frame.execute_stream().await?, silent)
            }
            Self::Guarded(session) => {
                let query = session.execute_statement(statement).await?;
                let silent = !query.returns_rows();
                (query.execute_stream().await?, silent)
            }
        };
        write(stream, silent, args, out).await
    }
}

async fn write(
    mut stream: SendableRecordBatchStream,
    silent: bool,
    args: &SqlArgs,
    out: &mut dyn Write,
) -> Result<(), CliError> {
    let mut writer = ResultWriter::new(args.format, stream.schema());
    while let Some(batch) = stream.next().await {
        let batch = batch?;
        if !silent {
            writer.write(&batch, out)?;
        }
    }
    if !silent {
        writer.finish(out)?;
    }
    // Whoever reads along sees each statement's rows when they are there.
    out.flush()?;
    Ok(())
}
