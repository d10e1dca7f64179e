import ArgumentParser
import Foundation
import StormReport
import StormRun
import StormVerdict

/// `--picture FILE`: the racing window that is worth drawing.
struct PictureFile {
  private let path: String
  private let format: WindowPicture.Format
  private var picture: WindowPicture?
  private var showsViolation = false

  /// - Throws: `ValidationError` where the name says neither `.svg` nor `.html`.
  init(path: String) throws {
    let ending = URL(fileURLWithPath: path).pathExtension
    guard let format = WindowPicture.Format(rawValue: ending) else {
      throw ValidationError("--picture is '\(path)'; allowed: a file that ends in .svg or .html")
    }
    self.path = path
    self.format = format
  }

  mutating func take(_ event: RunEvent) {
    guard !showsViolation, case .windowJudged(let judged) = event else { return }
    switch judged.verdict {
    case .violated(let violation):
      picture = WindowPicture(violation, windowNumber: judged.number)
      showsViolation = true
    case .explained(let explained):
      picture = WindowPicture(judged.window, explained, windowNumber: judged.number)
    case .unknown, nil: break
    }
  }

  func writeWhole() throws {
    guard let picture else { return }
    try write(picture.text(format), to: path)
  }
}
