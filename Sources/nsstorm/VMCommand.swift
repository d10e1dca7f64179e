public import ArgumentParser
import Foundation
public import StormFleet
import StormPlanning
import StormVocabulary

/// `nsstorm vm`: storms on other kernels than the running one.
struct VMCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "vm",
    abstract: "Run storms on other kernels, in virtual machines.",
    discussion: """
      Examples:
        nsstorm vm run first-storm --kernel debian:6.12.107 --seed 7
        nsstorm vm matrix --kernels 6.12.107,6.18.15,7.3.4 propagation first-storm
        nsstorm vm exec --kernel debian:7.2 -- probe
        nsstorm vm kernels --flavour rt
      """,
    subcommands: [
      VMRunCommand.self, VMMatrixCommand.self, VMExecCommand.self, VMKernelsCommand.self,
    ])
}

/// What all commands that boot guests ask for.
struct VMOptions: ParsableArguments {
  @Option(help: "Processors of the guest.")
  var processors = 2

  @Option(help: "Memory of the guest, in MiB.")
  var memory = 1024

  @Option(help: "Seconds from start to end of a guest.")
  var timeLimit = 900

  @Option(help: "Seconds until the guest's first word.")
  var bootLimit = 120

  @Option(help: "Seconds without any sign of life after which a guest is silent.")
  var silenceLimit = 60

  @Option(
    help: "kvm, tcg, or auto: kvm where a probe boot shows that it works.")
  var accelerator = AcceleratorChoice.auto

  @Option(help: "The nsstorm that runs in the guest; this program by default.")
  var program: String?

  @Option(parsing: .unconditional, help: "Further words for the kernel's command line.")
  var append: String?

  @Option(
    help:
      "A folder with the modules of a kernel given by its path, as `make modules_install` leaves it."
  )
  var modules: String?

  @Flag(
    help: "The kernel has KASAN, lockdep, KCSAN or the like: four times the memory and the time.")
  var debugKernel = false

  @Flag(help: "Show the guest's console as well.")
  var console = false

  enum AcceleratorChoice: String, CaseIterable, ExpressibleByArgument {
    case auto, kvm, tcg
  }

  func validate() throws {
    for (name, value, range) in [
      ("processors", processors, 1...64), ("memory", memory, 256...65_536),
      ("time-limit", timeLimit, 10...86_400), ("boot-limit", bootLimit, 5...3_600),
      ("silence-limit", silenceLimit, 2...3_600),
    ] where !range.contains(value) {
      throw ValidationError(
        "--\(name) is \(value); allowed: \(range.lowerBound) to \(range.upperBound)")
    }
  }

  /// The options as they are written on a command line.
  var words: [String] {
    var words = [
      "--processors", "\(processors)", "--memory", "\(memory)", "--time-limit", "\(timeLimit)",
      "--boot-limit", "\(bootLimit)",
      "--silence-limit", "\(silenceLimit)", "--accelerator", accelerator.rawValue,
    ]
    if let program { words += ["--program", program] }
    if let append { words += ["--append", append] }
    if let modules { words += ["--modules", modules] }
    if debugKernel { words.append("--debug-kernel") }
    return words
  }

  /// The kernel that is meant, with the modules of somebody's own build.
  func kernel(_ choice: KernelChoice) throws(FleetError) -> BootableKernel {
    var kernel = try Self.cache.kernel(choice, say: Self.say)
    if case .file = choice, let modules {
      kernel.modules = try KernelModule.loadOrder(below: modules)
      Self.say("\(kernel.modules.count) modules from \(modules)")
    }
    return kernel
  }

  var limits: VMLimits {
    var limits = VMLimits()
    limits.processors = processors
    let factor = debugKernel ? 4 : 1
    limits.memoryMebibytes = memory * factor
    limits.totalSeconds = timeLimit * factor
    limits.bootSeconds = bootLimit * factor
    limits.silenceSeconds = silenceLimit * factor
    return limits
  }

  var programPath: String {
    program ?? (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe"))
      ?? CommandLine.arguments[0]
  }

  static var cache: KernelCache {
    let environment = ProcessInfo.processInfo.environment
    return KernelCache(
      folder: KernelCache.defaultFolder(environment: environment),
      mirror: environment["NSSTORM_DEBIAN_MIRROR"].flatMap { $0.isEmpty ? nil : $0 })
  }

  static func say(_ line: String) {
    FileHandle.standardError.write(Data("nsstorm vm: \(line)\n".utf8))
  }

  static func choice(_ text: String) throws(FleetError) -> KernelChoice {
    try KernelChoice(text) { FileManager.default.fileExists(atPath: $0) }
  }

  /// Finds out, once a boot of the host, how guests can run.
  func accelerator(for kernel: BootableKernel) throws(FleetError) -> Accelerator {
    switch accelerator {
    case .kvm: return .kvm
    case .tcg: return .tcg
    case .auto:
      return try AcceleratorProbe(folder: Self.cache.folder).accelerator(
        for: kernel, program: programPath, say: Self.say)
    }
  }

  /// Boots a guest that runs a command of nsstorm.
  func boot(
    _ kernel: BootableKernel, arguments: [String], profiles: [(name: String, content: [UInt8])],
    files: [(path: String, content: [UInt8])] = [], usesFileSystems: Bool = true,
    _ watch: (VMEvent) -> Void
  ) throws(FleetError) -> VMReport {
    var image = GuestImage(program: programPath, arguments: arguments, profiles: profiles)
    image.files = files
    image.usesFileSystems = usesFileSystems
    var machine = VirtualMachine(
      kernel: kernel, image: image, accelerator: try accelerator(for: kernel))
    machine.limits = limits
    machine.kernelArguments = (append ?? "").split(separator: " ").map(String.init)
    return try machine.run(watch)
  }
}

/// `nsstorm vm exec`: any command of nsstorm on another kernel.
struct VMExecCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "exec",
    abstract: "Run any command of nsstorm on another kernel.",
    discussion: """
      Examples:
        nsstorm vm exec --kernel debian:6.12.107 -- doctor
      """)

  @Option(help: "debian:6.12.107, debian:6.12 (its newest update), debian:7.3.4-rt, or an image.")
  var kernel: String

  @OptionGroup var options: VMOptions

  @Argument(parsing: .postTerminator, help: "The command and its arguments.")
  var command: [String] = []

  func run() throws {
    guard !command.isEmpty else {
      throw ValidationError("no command: write nsstorm vm exec --kernel … -- doctor")
    }
    let report: VMReport
    do {
      let kernel = try options.kernel(VMOptions.choice(kernel))
      report = try options.boot(
        kernel, arguments: command,
        profiles: GuestImage.profiles(in: ProfileLibrary.ofThisProcess.folders)
      ) { VMRendering.show($0) }
    } catch {
      throw CommandFailure(status: error.status, message: error.description)
    }
    try VMRendering.finish(report, showsConsole: options.console)
  }
}

/// `nsstorm vm kernels`: what can be had from Debian.
struct VMKernelsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "kernels", abstract: "List the kernels that Debian's suites have.",
    discussion: """
      Examples:
        nsstorm vm kernels --flavour rt
      """)

  @Option(help: "cloud, generic or rt.")
  var flavour = DebianKernelVersion.Flavour.cloud

  func run() throws {
    do {
      for release in try VMOptions.cache.available(flavour, say: VMOptions.say) {
        let version = DebianKernelVersion(
          major: release.major, minor: release.minor, patch: release.patch, flavour: flavour)
        print("debian:\(version)")
      }
    } catch {
      throw CommandFailure(status: error.status, message: error.description)
    }
  }
}

extension DebianKernelVersion.Flavour: ExpressibleByArgument {}

extension FleetError {
  var status: ExitStatus {
    switch self {
    case .badKernel, .badSymptom, .badShard: .usage
    case .kernelNotFound, .damaged: .badInput
    case .toolMissing, .toolFailed, .toolTooSlow, .system: .harnessFailed
    }
  }
}
