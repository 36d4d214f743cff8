//! Reads blocks on all cores and hands on what was made of them, in the order of the files.

use crate::input::{Block, Blocks, Source};
use anyhow::Result;
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::sync::{Mutex, PoisonError};

/// Blocks that wait for a core.
const WAITING: usize = 4;

/// What a core does with blocks.
pub trait Worker: Send {
    type Made: Send;
    fn work(&mut self, block: &Block) -> Result<Self::Made>;
}

/// Runs `workers` over the sources, one on each thread, and gives `take` what they make in the order of the blocks.
/// `take` may end it early. The workers come back with what they have gathered.
pub fn scan<W: Worker>(
    sources: &[Source],
    now_ns: i64,
    mut workers: Vec<W>,
    take: &mut dyn FnMut(W::Made) -> Result<ControlFlow<()>>,
) -> Result<Vec<W>> {
    let mut blocks = Blocks::new(sources, now_ns);
    let mut begun = Vec::new();
    // One block is not worth a thread; what is still being written is not waited for.
    if !sources.contains(&Source::Stdin) {
        begun.extend(blocks.next(Vec::new())?);
        begun.extend(blocks.next(Vec::new())?);
        if begun.len() < 2 {
            for block in begun {
                let made = workers[0].work(&block)?;
                let _ = take(made)?;
            }
            return Ok(workers);
        }
    }
    let is_over = AtomicBool::new(false);
    let (to_workers, from_reader) = sync_channel(WAITING);
    let from_reader = Mutex::new(from_reader);
    let (to_main, from_workers) = sync_channel(WAITING * 4);
    let (give_back, given_back) = channel();
    std::thread::scope(|scope| {
        let is_over = &is_over;
        let (from_reader, errors) = (&from_reader, to_main.clone());
        let reader = scope.spawn(move || {
            let first = begun.into_iter().map(Ok);
            let others = std::iter::from_fn(|| {
                let buffer = given_back.try_recv().unwrap_or_default();
                blocks.next(buffer).transpose()
            });
            for block in first.chain(others) {
                if is_over.load(Ordering::Relaxed) {
                    return;
                }
                match block {
                    Ok(block) => {
                        if to_workers.send(block).is_err() {
                            return;
                        }
                    }
                    // Behind every block that there can be.
                    Err(error) => return drop(errors.send((u64::MAX, Err(error)))),
                }
            }
        });
        let threads: Vec<_> = workers
            .drain(..)
            .map(|worker| {
                let (to_main, give_back) = (to_main.clone(), give_back.clone());
                scope.spawn(move || keep_working(worker, from_reader, &to_main, &give_back))
            })
            .collect();
        drop(to_main);
        let outcome = in_order(&from_workers, take);
        is_over.store(true, Ordering::Relaxed);
        drop(from_workers);
        reader.join().expect("the reader does not panic");
        let workers =
            threads.into_iter().map(|thread| thread.join().expect("workers do not panic")).collect();
        outcome.map(|()| workers)
    })
}

fn keep_working<W: Worker>(
    mut worker: W,
    blocks: &Mutex<Receiver<Block>>,
    to_main: &SyncSender<(u64, Result<W::Made>)>,
    give_back: &Sender<Vec<u8>>,
) -> W {
    loop {
        let next = blocks.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(block) = next else { return worker };
        let made = worker.work(&block);
        if to_main.send((block.index, made)).is_err() {
            return worker;
        }
        // The reader may have ended.
        let _ = give_back.send(block.bytes);
    }
}

fn in_order<T>(
    made: &Receiver<(u64, Result<T>)>,
    take: &mut dyn FnMut(T) -> Result<ControlFlow<()>>,
) -> Result<()> {
    let mut early = BTreeMap::new();
    let mut next = 0;
    for (index, made) in made {
        early.insert(index, made);
        while let Some(made) = early.remove(&next) {
            next += 1;
            if take(made?)?.is_break() {
                return Ok(());
            }
        }
    }
    early.into_values().next().map_or(Ok(()), |failed| failed.map(drop))
}
