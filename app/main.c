#include <stdio.h>

int main(void)
{
    puts("saint " SAINT_VERSION);
    return 0;
}
