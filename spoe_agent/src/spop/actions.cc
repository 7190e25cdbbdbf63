#include "spop/actions.h"

#include <cstddef>
#include <cstdint>

namespace leastwise::spop {
namespace {

enum class ActionType : std::uint8_t { kSetVar = 1, kUnsetVar = 2 };

void begin(Writer& ack, ActionType type, std::uint8_t arguments, Scope scope) noexcept {
  ack.byte(static_cast<std::uint8_t>(type));
  ack.byte(arguments);
  ack.byte(static_cast<std::uint8_t>(scope));  // bare: the scope alone is not a typed value
}

bool end(Writer& ack, std::size_t mark) noexcept {
  if (ack.ok()) return true;
  ack.rewind(mark);
  return false;
}

}  // namespace

bool Actions::set_var(Scope scope, std::string_view name, const Value& value) noexcept {
  if (!ack_.ok()) return false;
  const std::size_t mark = ack_.mark();
  begin(ack_, ActionType::kSetVar, 3, scope);
  ack_.string(name);  // bare as well
  ack_.value(value);
  return end(ack_, mark);
}

bool Actions::unset_var(Scope scope, std::string_view name) noexcept {
  if (!ack_.ok()) return false;
  const std::size_t mark = ack_.mark();
  begin(ack_, ActionType::kUnsetVar, 2, scope);
  ack_.string(name);
  return end(ack_, mark);
}

}  // namespace leastwise::spop
