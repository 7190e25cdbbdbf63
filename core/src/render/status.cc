#include "leastwise/status.h"

#include "leastwise/text.h"

namespace leastwise {

Status::Status(Code code, std::initializer_list<std::string_view> message) noexcept : code_(code) {
  Text text({message_.data(), message_.size() - 1});
  for (const std::string_view part : message) text << part;
}

}  // namespace leastwise
