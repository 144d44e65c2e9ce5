//! Doing the same work at every site.

use std::collections::BTreeMap;

use futures::{StreamExt, stream};
use netboot_core::{Context, SiteName};

use crate::error::Error;
use crate::sites::Sites;

impl Sites {
    /// Does `work` at each site, at several at the same time. Events carry the site's name.
    pub(crate) async fn at_each<S, T, F>(
        &self,
        sites: BTreeMap<SiteName, S>,
        context: &Context,
        work: impl Fn(S, Context) -> F,
    ) -> BTreeMap<SiteName, Result<T, Error>>
    where
        F: Future<Output = Result<T, Error>>,
    {
        let work = &work;
        let each = |(site, state): (SiteName, S)| {
            let context = context.at_site(&site);
            async move {
                let result = work(state, context).await;
                (site, result)
            }
        };
        stream::iter(sites).map(each).buffer_unordered(self.concurrency).collect().await
    }

    pub(crate) async fn in_time<T>(
        &self,
        work: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        let Some(after) = self.timeout else { return work.await };
        match tokio::time::timeout(after, work).await {
            Ok(result) => result,
            Err(_) => Err(Error::TimedOut { after }),
        }
    }
}
