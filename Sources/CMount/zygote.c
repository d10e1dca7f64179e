#include "cmount.h"
