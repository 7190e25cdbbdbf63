#include "spop/types.h"

namespace leastwise::spop {

std::string_view describe(StatusCode code) noexcept {
  switch (code) {
    case StatusCode::kNormal:
      return "normal";
    case StatusCode::kIoError:
      return "I/O error";
    case StatusCode::kTimeout:
      return "timeout";
    case StatusCode::kFrameTooBig:
      return "frame is too big";
    case StatusCode::kInvalidFrame:
      return "invalid frame";
    case StatusCode::kNoVersion:
      return "supported-versions not found";
    case StatusCode::kNoMaxFrameSize:
      return "max-frame-size not found";
    case StatusCode::kNoCapabilities:
      return "capabilities not found";
    case StatusCode::kUnsupportedVersion:
      return "unsupported version, 2.0 is spoken here";
    case StatusCode::kBadMaxFrameSize:
      return "max-frame-size too big or too small";
    case StatusCode::kFragmentation:
      return "fragmentation is not supported";
    case StatusCode::kInterlacedFrames:
      return "invalid interlaced frames";
    case StatusCode::kUnknownFrameId:
      return "frame-id not found";
    case StatusCode::kResource:
      return "out of memory";
    case StatusCode::kUnknown:
      break;
  }
  return "unknown error";
}

}  // namespace leastwise::spop
