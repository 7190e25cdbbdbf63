// Boost.JSON, compiled here once: its library is not linked.
#include <boost/json/src.hpp>
