import StormEngine
import StormVocabulary

// What the closing tables say about the order of mounts and umounts at one place. It decides only what is tried first.

extension PointSearch {
  /// What a call does to the stack of mounts at its place, as far as its answer and the closing tables tell.
  struct Guess {
    enum Effect { case none, addsWhatStays, addsWhatGoes, takes }

    var effect = Effect.none
    /// A number for each path text.
    var place = 0

    static func prepare(_ entries: inout [Entry], _ windows: [ContendedWindow]) {
      let sources = windows.map { window in
        Set((window.tables ?? []).flatMap { $0.table.entries.map(\.source) })
      }
      var places: [String: Int] = [:]
      for index in entries.indices {
        let entry = entries[index]
        guard entry.observed == Errno.none, windows[entry.window].tables != nil else { continue }
        let text: String
        switch entry.call.operation {
        case .mount(let call):
          guard call.type != nil, case .path(let target) = call.target,
            case .path(let source) = call.source
          else { continue }
          text = target
          entries[index].guess.effect =
            sources[entry.window].contains(source) ? .addsWhatStays : .addsWhatGoes
        case .umount2(.path(let target), _):
          text = target
          entries[index].guess.effect = .takes
        default: continue
        }
        if places[text] == nil { places[text] = places.count }
        entries[index].guess.place = places[text] ?? 0
      }
    }
  }

  /// How many mounts at each place still have to go.
  struct Stacks {
    private var surplus: [Int32] = []

    /// What stays is not put on what has to go, and an umount takes what has to go.
    func speakFor(_ guess: Guess) -> Bool {
      let surplus = guess.place < self.surplus.count ? self.surplus[guess.place] : 0
      switch guess.effect {
      case .none, .addsWhatGoes: return true
      case .addsWhatStays: return surplus <= 0
      case .takes: return surplus > 0
      }
    }

    mutating func take(_ guess: Guess) {
      guard guess.effect != .none, guess.effect != .addsWhatStays else { return }
      while surplus.count <= guess.place { surplus.append(0) }
      if guess.effect == .addsWhatGoes {
        surplus[guess.place] += 1
      } else if surplus[guess.place] > 0 {
        surplus[guess.place] -= 1
      }
    }
  }
}
