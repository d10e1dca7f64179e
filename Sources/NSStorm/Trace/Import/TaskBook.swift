/// What a followed process holds besides what the engine knows: the meaning of its descriptors and what it shares.
struct TaskBook {
  struct Task {
    /// The engine's process: tasks that share root, directory and namespaces share it.
    var process: Int
    /// Its descriptor table.
    var table: Int
    /// Its network and IPC namespace: sysfs and mqueue belong to them.
    var network: Int
    var interprocess: Int
    /// False until the trace says where it stands.
    var knowsDirectory: Bool
    /// What it may do in its own user namespace.
    var rights = Rights.unknown
    /// Why nothing more can be said of it.
    var lostReason: String?
  }

  /// CAP_SYS_ADMIN and CAP_SYS_CHROOT, as far as the observer says.
  enum Rights {
    case unknown
    /// It has both.
    case full
    /// It has not CAP_SYS_ADMIN.
    case none

    /// - Parameter effective: the effective capabilities, as `/proc/PID/status` has them.
    init(effective: UInt64) {
      let (chroot, admin): (UInt64, UInt64) = (1 << 18, 1 << 21)
      self = effective & admin == 0 ? .none : effective & chroot == 0 ? .unknown : .full
    }
  }

  struct Descriptor {
    enum Kind {
      /// The engine has it in the slot of the same number.
      case place
      /// fsopen's, by its number.
      case context(Int)
      /// A mount namespace, kept alive by a process of the engine.
      case mountNamespace(Int)
      case userNamespace(process: Int)
      case networkNamespace(Int)
      case interprocessNamespace(Int)
      /// `uid_map` of a task.
      case userMap(task: Int)
      case pidDescriptor(task: Int)
      case other
    }

    var kind: Kind
    var closeOnExec: Bool
  }

  struct Context {
    var type: String
    var source: String?
    var isReadOnly = false
    var hasOptions = false
    var isCreated = false
  }

  struct Mapping {
    var address: UInt64
    var bytes: UInt64
    var slot: Int
  }

  private(set) var tasks: [Int: Task] = [:]
  var tables: [Int: [Int32: Descriptor]] = [:]
  var contexts: [Context] = []
  /// File mappings, by the engine's process.
  var mappings: [Int: [Mapping]] = [:]
  private var lastNumber = 0

  mutating func freshNumber() -> Int {
    lastNumber += 1
    return lastNumber
  }

  subscript(task: Int) -> Task? {
    get { tasks[task] }
    set { tasks[task] = newValue }
  }

  /// Whether another task uses the same process of the engine.
  func isShared(processOf task: Int) -> Bool {
    guard let process = tasks[task]?.process else { return false }
    return tasks.contains { $0.key != task && $0.value.process == process }
  }

  func isShared(tableOf task: Int) -> Bool {
    guard let table = tasks[task]?.table else { return false }
    return tasks.contains { $0.key != task && $0.value.table == table }
  }

  func descriptor(_ number: Int32, of task: Int) -> Descriptor? {
    tasks[task].flatMap { tables[$0.table]?[number] }
  }

  mutating func set(_ descriptor: Descriptor?, _ number: Int32, of task: Int) {
    guard let table = tasks[task]?.table else { return }
    tables[table, default: [:]][number] = descriptor
  }
}
