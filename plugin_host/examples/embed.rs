//! An application with its own session adopts a directory of plugins:
//! `cargo run -p datafusion-plugin-host --example embed -- DIR 'SELECT ...'`.

use std::error::Error;

use datafusion::prelude::SessionContext;
use datafusion_plugin_host::PluginHost;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let directory = args.next().ok_or("usage: embed DIR SQL")?;
    // A relative path would be refused: it means another directory elsewhere.
    let directory = std::path::absolute(directory)?;
    let query = args.next().ok_or("usage: embed DIR SQL")?;

    let context = SessionContext::new();
    let host = PluginHost::builder().plugin_dir(directory).load()?;
    host.install(&context);

    context.sql(&query).await?.show().await?;
    Ok(())
}
