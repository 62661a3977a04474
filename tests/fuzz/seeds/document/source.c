#include <x.h>

static int f(void)
{
	int a;

	return a;
}

int main(void)
{

}
