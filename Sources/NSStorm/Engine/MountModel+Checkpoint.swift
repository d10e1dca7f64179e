extension MountModel {
  /// A point in time that the model can be taken back to.
  public struct Checkpoint {
    fileprivate var mounts: Arena<MountRecord>.Mark
    fileprivate var dentries: Arena<DentryRecord>.Mark
    fileprivate var superblocks: Arena<SuperblockRecord>.Mark
    fileprivate var namespaces: Arena<NamespaceRecord>.Mark
    fileprivate var userNamespaces: Arena<UserNamespaceRecord>.Mark
    fileprivate var processes: Arena<ProcessRecord>.Mark
    fileprivate var files: Arena<OpenFileRecord>.Mark
    fileprivate var children: Int
    fileprivate var entries: Int
    fileprivate var state: ModelState
  }

  /// Begins to journal; the cost is one saved record for each record that changes afterwards.
  /// Checkpoints nest: rolling back to an outer one passes the inner ones.
  public mutating func checkpoint() -> Checkpoint {
    Checkpoint(
      mounts: mounts.mark(), dentries: dentries.mark(), superblocks: superblocks.mark(),
      namespaces: namespaces.mark(), userNamespaces: userNamespaces.mark(),
      processes: processes.mark(), files: files.mark(), children: childTable.mark(),
      entries: dentryTable.mark(), state: state)
  }

  /// Takes the model back to the checkpoint, which stays valid.
  public mutating func rollback(to checkpoint: Checkpoint) {
    mounts.rollback(to: checkpoint.mounts)
    dentries.rollback(to: checkpoint.dentries)
    superblocks.rollback(to: checkpoint.superblocks)
    namespaces.rollback(to: checkpoint.namespaces)
    userNamespaces.rollback(to: checkpoint.userNamespaces)
    processes.rollback(to: checkpoint.processes)
    files.rollback(to: checkpoint.files)
    childTable.rollback(to: checkpoint.children)
    dentryTable.rollback(to: checkpoint.entries)
    state = checkpoint.state
  }

  /// Keeps what was done and stops journaling; all checkpoints become invalid.
  public mutating func discardCheckpoints() {
    mounts.stopJournaling()
    dentries.stopJournaling()
    superblocks.stopJournaling()
    namespaces.stopJournaling()
    userNamespaces.stopJournaling()
    processes.stopJournaling()
    files.stopJournaling()
    childTable.stopJournaling()
    dentryTable.stopJournaling()
  }
}
