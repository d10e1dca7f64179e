import StormEngine
import StormVocabulary

@testable import StormVerdict

/// Shared by the tests of concurrent histories: a model, what was seen of it, and a clock.
struct ConcurrencyWorld: ~Copyable {
  var model: MountModel
  var checker: ConcurrencyChecker

  init(_ model: consuming MountModel, limits: SearchLimits = SearchLimits()) {
    var comparison = TableComparison()
    let tables = observed(model)
    let differences = comparison.update(predicted: predicted(model), observed: tables)
    precondition(differences.isEmpty)
    checker = ConcurrencyChecker(comparison: comparison, limits: limits)
    self.model = model
  }

  mutating func check(_ window: ContendedWindow) -> WindowVerdict {
    checker.check(window, against: &model)
  }
}

func predicted(_ model: borrowing MountModel) -> [NamespaceTable] {
  model.livingProcesses.map { NamespaceTable(namespace: $0, table: model.table(seenBy: $0)) }
}

/// What a kernel would show: other numbers for the same things, and another order of the lines.
func observed(_ model: borrowing MountModel) -> [NamespaceTable] {
  translated(predicted(model))
}

func translated(_ tables: [NamespaceTable]) -> [NamespaceTable] {
  tables.map { reading in
    var reading = reading
    for index in reading.table.entries.indices {
      reading.table.entries[index].id = reading.table.entries[index].id * 7 + 60
      reading.table.entries[index].parent = reading.table.entries[index].parent * 7 + 60
      reading.table.entries[index].device.minor =
        reading.table.entries[index].device.minor * 3 + 30
      reading.table.entries[index].sharedGroup =
        reading.table.entries[index].sharedGroup.map { $0 + 100 }
      reading.table.entries[index].masterGroup =
        reading.table.entries[index].masterGroup.map { $0 + 100 }
      reading.table.entries[index].propagateFromGroup =
        reading.table.entries[index].propagateFromGroup.map { $0 + 100 }
    }
    reading.table.entries.reverse()
    return reading
  }
}

func call(
  _ worker: Int, _ operation: Operation, _ errno: Errno, _ start: UInt64, _ end: UInt64,
  in process: Int = 0
) -> ContendedWindow.Call {
  ContendedWindow.Call(
    worker: worker, process: process, operation: operation, errno: errno,
    startNanoseconds: start, endNanoseconds: end)
}

func tmpfs(_ name: String, _ path: String) -> Operation {
  .mount(MountCall(type: "tmpfs", source: .path(name), target: .path(path)))
}

func must(_ operation: Operation, _ model: inout MountModel) {
  let errno = model.perform(operation, by: 0)
  precondition(errno == .none, "\(operation) answered \(errno)")
}

/// One private mount `/m` with a directory in it.
func modelWithOneMount(rules: KernelRules = .newest) -> MountModel {
  var model = MountModel(rules: rules)
  for operation: Operation in [.mkdir("/m"), tmpfs("t", "/m"), .mkdir("/m/x"), .mkdir("/n")] {
    precondition(model.perform(operation, by: 0) == .none)
  }
  return model
}

/// The tables after calls made one after the other.
func tables(after operations: [(Operation, Int)], rules: KernelRules = .newest) -> [NamespaceTable]
{
  var model = modelWithOneMount(rules: rules)
  for (operation, process) in operations { _ = model.perform(operation, by: process) }
  return observed(model)
}

extension WindowVerdict {
  var isExplained: Bool { if case .explained = self { true } else { false } }
  var isViolated: Bool { if case .violated = self { true } else { false } }
  var explanation: ExplainedWindow? { if case .explained(let found) = self { found } else { nil } }
  var violation: ConcurrencyViolation? {
    if case .violated(let found) = self { found } else { nil }
  }
}
